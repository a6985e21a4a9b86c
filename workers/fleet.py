"""How the fleet does: devices, what is at work on each, and what waits; for people and for Prometheus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streaming.bus import devices, reading
from streaming.bus.devices import Device
from streaming.bus.layout import Call
from streaming.bus.redis import Valkey
from streaming.bus.tasks import NOBODY
from streaming.bus.view import Attempt, View, observe
from streaming.media import Description
from workers.cost import cost, upkeep

SEGMENTS = 2
"""How many segments back tasks may still be at work."""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device of the fleet.

    `leased` are the segment tasks at work, `waiting` those that nobody has claimed yet, the oldest for `oldest_ms`;
    `taken` is what those cost, in the pixels a second of the device's capacity. A device without
    `lease` lives no more; tasks were sent to it all the same.
    """

    name: str
    lease: Device | None
    leased: int
    waiting: int
    oldest_ms: int
    taken: int

    @property
    def doing(self) -> str:
        """In a word."""
        if self.lease is None:
            return "gone"
        if not self.lease.slots:
            return "draining" if self.lease.capacity else "unfit"
        return "full" if self.leased >= self.lease.slots else "open"


@dataclass(frozen=True, slots=True)
class FleetState:
    """The devices by name, how many broadcasts are on, and whether what is watched goes without a device."""

    devices: tuple[DeviceState, ...]
    broadcasts: int
    short: bool


def survey(bus: Valkey) -> FleetState:
    """What the bus knows of the fleet, in three round trips. Raises BusError."""
    leases, alive, short = bus.run_all([reading.leases(), devices.alive(), devices.are_short()])
    names = list(leases)
    calls: list[Call[object]] = []
    for name in names:
        calls += [reading.description(name), observe(name, segments=SEGMENTS)]
    replies = bus.run_all(calls)
    seen = [(description, view) for description, view in zip(replies[::2], replies[1::2], strict=True) if description]
    return FleetState(tuple(states(alive, seen)), len(seen), short)


def states(alive: Mapping[str, Device], seen: Iterable[tuple[Description, View]]) -> list[DeviceState]:
    """The devices by name, from the leases and from what was seen of each broadcast."""
    leased: defaultdict[str, int] = defaultdict(int)
    ordered: defaultdict[str, list[int]] = defaultdict(list)
    taken: defaultdict[str, int] = defaultdict(int)
    for description, view in seen:
        made: defaultdict[str, set[str]] = defaultdict(set)
        standing_by: set[str] = set()
        for attempt, renditions in _open_attempts(view):
            if attempt.claimed_ms is None:
                ordered[attempt.device].append(view.now_ms - attempt.ordered_ms)
            else:
                leased[attempt.device] += 1
            if attempt.standby:
                standing_by.add(attempt.device)
            else:
                # A rendition of two segments at a time is still one encoder's work.
                made[attempt.device].update(renditions)
        for device in standing_by:
            taken[device] += upkeep(description)
        for device, renditions_made in made.items():
            taken[device] += cost(description, renditions_made)
    return [
        DeviceState(name, alive.get(name), leased[name], len(ordered[name]), max(ordered[name], default=0), taken[name])
        for name in sorted({*alive, *leased, *ordered} - {NOBODY})
    ]


def _open_attempts(view: View) -> list[tuple[Attempt, list[str]]]:
    """Attempts that hold a rendition which isn't done, or stand by for one, each with those."""
    found = []
    for task in view.tasks.values():
        for token, attempt in task.attempts.items():
            held = [
                name
                for name, newest in task.tokens.items()
                if name not in task.done and (newest == token or attempt.standby)
            ]
            if held and not attempt.failed:
                found.append((attempt, held))
    return found
