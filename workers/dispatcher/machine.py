"""The dispatcher as a pure state machine: `(state, event or sight or tick, now) -> commands`.

It remembers little: which broadcasts there are and when each is to be looked at, where they were last sent, and how
many hedges may still be spent. What is to be done about a broadcast is `decision`'s, from what the bus shows.

Times are the bus's ms.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from streaming.bus.devices import Device
from streaming.bus.events import BroadcastEvent, BroadcastHasEnded
from streaming.media import SOURCE, BroadcastState
from workers.dispatcher.budget import HedgeBudget
from workers.dispatcher.commands import Command, Look, Picture, Sight
from workers.dispatcher.decision import Surroundings, decide
from workers.dispatcher.standby import NO_MORE_THAN_PARTNERS, Criticality
from workers.ladder import Policy
from workers.placement import Placement

PICTURE_MS = 15_000
"""How often a live broadcast's thumbnail is made anew: one of 10 s old GOPs is replaced before it is 30 s old."""
LINGER_MS = 30_000
"""How long a broadcast is looked at that the bus knows nothing of, or that has ended: its last segments finish."""


class _Broadcast:
    def __init__(self, now_ms: int) -> None:
        self.look_at_ms = now_ms
        self.alive_ms = now_ms
        self.pictured_ms: int | None = None


class Machine:
    """Feed it `heard`, `known`, `fleet`, `tick` and `saw`; carry out what it answers."""

    def __init__(self, policy: Policy = Policy.DEMAND, critical: Criticality = NO_MORE_THAN_PARTNERS) -> None:
        self.placement = Placement()
        self._short: set[str] = set()
        self._broadcasts: dict[str, _Broadcast] = {}
        self._due: list[tuple[int, str]] = []
        self._budget = HedgeBudget()
        self._around = Surroundings(self.placement, self._budget.spend, policy, critical)

    @property
    def broadcasts(self) -> int:
        """How many are watched."""
        return len(self._broadcasts)

    def knows(self, broadcast: str) -> bool:
        """Whether it looks after this one."""
        return broadcast in self._broadcasts

    @property
    def is_short(self) -> bool:
        """Whether devices lack room for what is watched."""
        return bool(self._short)

    def heard(self, event: BroadcastEvent, now_ms: int) -> None:
        """Something happened to a broadcast: have a look."""
        if not isinstance(event, BroadcastHasEnded) or event.broadcast in self._broadcasts:
            self._look(event.broadcast, now_ms)

    def ordered(self) -> None:
        """An attempt that it wanted was ordered, and not by another dispatcher: so of several each earns its share."""
        self._budget.earn()

    def known(self, broadcasts: Iterable[str], now_ms: int) -> None:
        """The broadcasts that hold a lease: none is missed, whatever became of its events."""
        for broadcast in broadcasts:
            if broadcast not in self._broadcasts:
                self._look(broadcast, now_ms)

    def fleet(self, devices: Mapping[str, Device], now_ms: int) -> None:
        """The devices that live. When some are gone or new, every broadcast is looked at."""
        changed = {name: device.instance for name, device in devices.items()} != {
            name: device.instance for name, device in self.placement.devices.items()
        }
        self.placement.fleet(devices)
        if changed:
            for broadcast in list(self._broadcasts):
                self._look(broadcast, now_ms)

    def tick(self, now_ms: int) -> list[Look]:
        """Whoever is due to be looked at."""
        looks = []
        while self._due and self._due[0][0] <= now_ms:
            at_ms, name = heapq.heappop(self._due)
            broadcast = self._broadcasts.get(name)
            if broadcast is not None and broadcast.look_at_ms == at_ms:
                # Should the look fail, or its answer be lost, there is another.
                self._schedule(name, broadcast, now_ms + 1_000)
                looks.append(Look(name))
        return looks

    def next_ms(self) -> int | None:
        """When the next tick is due."""
        return self._due[0][0] if self._due else None

    def saw(self, name: str, sight: Sight) -> list[Command]:
        """What is to be done about a broadcast, from what was seen of it."""
        broadcast = self._broadcasts.get(name)
        if broadcast is None:
            return []
        now_ms = sight.view.now_ms
        description = sight.description
        if description is not None and description.state is not BroadcastState.ENDED:
            broadcast.alive_ms = now_ms
        elif now_ms - broadcast.alive_ms > LINGER_MS:
            self.placement.put(name, None)
            self.placement.put_standby(name, None)
            self._short.discard(name)
            del self._broadcasts[name]
            return []
        if description is None:
            self._schedule(name, broadcast, now_ms + 1_000)
            return []
        decision = decide(description, sight.view, sight.audience, self._around)
        self.placement.put(name, decision.load)
        self.placement.put_standby(name, decision.standby)
        (self._short.add if decision.short else self._short.discard)(name)
        commands = decision.commands + self._picture(name, broadcast, sight)
        # What was just decided is to be seen carried out, and by then something else may be due.
        self._schedule(name, broadcast, min(decision.look_at_ms, now_ms + 250) if commands else decision.look_at_ms)
        return commands

    def _picture(self, name: str, broadcast: _Broadcast, sight: Sight) -> list[Command]:
        now_ms = sight.view.now_ms
        live = sight.description is not None and sight.description.state is BroadcastState.LIVE
        due = broadcast.pictured_ms is None or now_ms - broadcast.pictured_ms >= PICTURE_MS
        if not live or not due or SOURCE not in sight.view.progress:
            return []
        broadcast.pictured_ms = now_ms
        return [Picture(name)]

    def _look(self, name: str, at_ms: int) -> None:
        broadcast = self._broadcasts.get(name)
        if broadcast is None:
            broadcast = self._broadcasts[name] = _Broadcast(at_ms)
        elif broadcast.look_at_ms <= at_ms:
            return
        self._schedule(name, broadcast, at_ms)

    def _schedule(self, name: str, broadcast: _Broadcast, at_ms: int) -> None:
        broadcast.look_at_ms = at_ms
        heapq.heappush(self._due, (at_ms, name))
