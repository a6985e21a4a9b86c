"""Which device a broadcast's segments go to, and how much of its ladder there is room for. Pure.

A broadcast takes so many pixels a second (`cost`), and a device has those that it was measured to encode. A broadcast
goes to the device that it fits best, GPUs before CPUs, and stays there, for a warm encoder waits. To a partner's
broadcast only partners are in the way; who else is on its device then finds it too full, and gives renditions up. A
standby is put where there is room for all that it may have to take over; that room is kept from other standbys alone.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from streaming.bus.devices import Device, DeviceKind

FILL = 0.8
"""The share of a device's measured capacity up to which broadcasts are put on it: above that parts begin to be late."""
KEEP = 0.9
"""The share up to which those that are there may grow; above it they give renditions up. Two bounds, lest it flaps."""


class Rank(Enum):
    """Who looks for room."""

    ANYBODY = auto()
    PARTNER = auto()
    STANDBY = auto()


@dataclass(frozen=True, slots=True)
class Load:
    """What one broadcast takes: pixels a second of `device`; a standby `more` of them once it takes over."""

    device: str
    cost: int
    partner: bool = False
    more: int = 0


@dataclass(slots=True)
class _Taken:
    """What is taken of one device: pixels a second, those of partners among them, and what standbys would take more;
    and by how many broadcasts."""

    cost: int = 0
    partners: int = 0
    more: int = 0
    broadcasts: int = 0

    def in_the_way(self, rank: Rank) -> int:
        """What leaves no room to this rank."""
        if rank is Rank.PARTNER:
            return self.partners
        return self.cost + self.more if rank is Rank.STANDBY else self.cost


_NOTHING = _Taken()


class _Shelf:
    """Devices in the order of their free pixels a second: a choice is a binary search."""

    def __init__(self) -> None:
        self._ordered: list[tuple[int, str]] = []
        self._free: dict[str, int] = {}

    def put(self, device: str, free: int | None) -> None:
        """Says how much a device has free; None: it takes nothing."""
        before = self._free.pop(device, None)
        if before is not None:
            del self._ordered[bisect_left(self._ordered, (before, device))]
        if free is not None:
            self._free[device] = free
            insort(self._ordered, (free, device))

    def fit(self, cost: int, avoid: Collection[str]) -> str | None:
        """The device with the least room that is enough."""
        for at in range(bisect_left(self._ordered, (cost, "")), len(self._ordered)):
            if self._ordered[at][1] not in avoid:
                return self._ordered[at][1]
        return None

    def roomiest(self, avoid: Collection[str]) -> tuple[int, str] | None:
        """The most room there is, and where."""
        return next((entry for entry in reversed(self._ordered) if entry[1] not in avoid), None)


class Placement:
    """What is on the devices of a fleet, and what else may go there."""

    def __init__(self, devices: Mapping[str, Device] | None = None) -> None:
        self.devices: Mapping[str, Device] = {}
        self._loads: dict[str, Load] = {}
        self._standbys: dict[str, Load] = {}
        self._taken: defaultdict[str, _Taken] = defaultdict(_Taken)
        self._shelves = {(kind, rank): _Shelf() for kind in DeviceKind for rank in Rank}
        """What is free to whom."""
        self.fleet(devices or {})

    def fleet(self, devices: Mapping[str, Device]) -> None:
        """These devices live now. What was on one that is gone counts again should it come back."""
        before, self.devices = self.devices, devices
        for name, device in before.items():
            if name not in devices or devices[name].kind is not device.kind:
                for rank in Rank:
                    self._shelves[device.kind, rank].put(name, None)
        for name, device in devices.items():
            if before.get(name) != device:
                self._shelve(device)

    def put(self, broadcast: str, load: Load | None) -> None:
        """Says what a broadcast takes now, in place of what it took before; None: nothing."""
        self._put(self._loads, broadcast, load)

    def put_standby(self, broadcast: str, load: Load | None) -> None:
        """Says what its standby takes."""
        self._put(self._standbys, broadcast, load)

    def load(self, broadcast: str) -> Load | None:
        """What was put of a broadcast."""
        return self._loads.get(broadcast)

    def taken(self, device: str) -> int:
        """Pixels a second that broadcasts take of a device."""
        return self._taken.get(device, _NOTHING).cost

    def room(self, device: str, broadcast: str, *, rank: Rank = Rank.ANYBODY, share: float = FILL) -> int:
        """Pixels a second that the broadcast may take of a device, with what it takes already; can be negative."""
        found = self.devices.get(device)
        if found is None or not found.slots:
            return 0
        free = int(found.capacity * share) - self._taken.get(device, _NOTHING).in_the_way(rank)
        for own in (self._loads.get(broadcast), self._standbys.get(broadcast)):
            if own is not None and own.device == device:
                free += _Taken(own.cost, own.cost if own.partner else 0, own.more).in_the_way(rank)
        return free

    def choose(
        self,
        cost: int,
        broadcast: str,
        *,
        sticky: str | None = None,
        avoid: Collection[str] = (),
        rank: Rank = Rank.ANYBODY,
    ) -> Device | None:
        """A device with room for `cost`: `sticky`, else the one that is fullest then, GPUs first. None if all are full.

        For a partner there is room also where only others are in the way.
        """
        for precedence in (Rank.ANYBODY, rank) if rank is Rank.PARTNER else (rank,):
            stays = self.devices.get(sticky) if sticky is not None and sticky not in avoid else None
            if stays is not None and cost <= self.room(stays.name, broadcast, rank=precedence, share=KEEP):
                return stays
            for kind in (DeviceKind.GPU, DeviceKind.CPU):
                found = self._shelves[kind, precedence].fit(cost, avoid)
                if found is not None:
                    return self.devices[found]
        return None

    @property
    def largest(self) -> int:
        """What fits on the largest device when nothing else is there, in pixels a second."""
        return max((int(device.capacity * FILL) for device in self.devices.values() if device.slots), default=0)

    def roomiest(self, *, avoid: Collection[str] = ()) -> Device | None:
        """The device with the most room, be it too little: for a segment that has to go somewhere."""
        found = [self._shelves[kind, Rank.ANYBODY].roomiest(avoid) for kind in DeviceKind]
        best = max((entry for entry in found if entry is not None), default=None)
        return self.devices[best[1]] if best is not None else None

    def _put(self, loads: dict[str, Load], broadcast: str, load: Load | None) -> None:
        before = loads.pop(broadcast, None)
        if load is not None:
            loads[broadcast] = load
        if before != load:
            if before is not None:
                self._count(before, -1)
            if load is not None:
                self._count(load, 1)

    def _count(self, load: Load, sign: int) -> None:
        taken = self._taken[load.device]
        taken.cost += sign * load.cost
        taken.partners += sign * load.cost if load.partner else 0
        taken.more += sign * load.more
        taken.broadcasts += sign
        if not taken.broadcasts:
            del self._taken[load.device]
        if load.device in self.devices:
            self._shelve(self.devices[load.device])

    def _shelve(self, device: Device) -> None:
        taken = self._taken.get(device.name, _NOTHING)
        for rank in Rank:
            free = int(device.capacity * FILL) - taken.in_the_way(rank)
            # A broadcast holds a thread of the worker: who finds none free would wait for one.
            room = free if taken.broadcasts < device.slots else min(0, free)
            self._shelves[device.kind, rank].put(device.name, room if device.slots else None)
