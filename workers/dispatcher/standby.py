"""Hot standby for broadcasts that must not falter: who gets one, where, and when it may take over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streaming.bus.devices import Device
from streaming.bus.view import Attempt, Task, View
from streaming.media import Description
from workers.dispatcher.judgement import SILENT_MS
from workers.ladder import Audience
from workers.placement import Placement, Rank


@dataclass(frozen=True, slots=True)
class Criticality:
    """Which broadcasts are critical: a partner's, and one with so many viewers; 0: none for its viewers."""

    viewers: int = 0

    def holds(self, description: Description, audience: Audience) -> bool:
        return description.partner or (self.viewers > 0 and audience.viewers >= self.viewers)


NO_MORE_THAN_PARTNERS = Criticality()


def place(view: View, msn: int, placement: Placement, broadcast: str, cost: int, *, home: str) -> Device | None:
    """The device for a segment's standby: where its broadcast's last one was, if there is room, and never its home.

    None where no other device has room for the whole ladder: a standby that could not keep up would be none.
    """
    before = view.tasks.get(msn - 1)
    last = before.attempts.get(before.second) if before is not None else None
    sticky = last.device if last is not None and not last.failed else None
    return placement.choose(cost, broadcast, sticky=sticky, avoid={home}, rank=Rank.STANDBY)


def where(view: View, msn: int) -> str | None:
    """The device on which the broadcast has its standby: at segment `msn`, or still at the one before."""
    for task in (view.tasks.get(msn), view.tasks.get(msn - 1)):
        standing = task.attempts.get(task.second) if task is not None else None
        if standing is not None:
            return standing.device if standing.standby and not standing.failed else None
    return None


def ready(task: Task, fleet: Mapping[str, Device]) -> Attempt | None:
    """The segment's standby, if it stands by on a device that lives."""
    standby = task.attempts.get(task.second)
    if standby is None or not standby.standby or standby.failed or standby.claimed_ms is None:
        return None
    device = fleet.get(standby.device)
    if device is None or device.instance != standby.instance:
        return None
    return standby if device.silent_ms < SILENT_MS else None
