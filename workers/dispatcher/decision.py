"""What to do about one broadcast, from what the bus shows of it. Pure, and without memory.

The bus is the truth, and every command is carried out only where it still holds; so two dispatchers may decide the
same thing, or one may die in the middle, and nothing is lost or done twice.

All times are the bus's ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from streaming.bus.devices import Device
from streaming.bus.layout import Progress
from streaming.bus.tasks import Attempt, Task, View
from streaming.media import PART_TARGET_MS, SOURCE, VIDEO_TIMESCALE, BroadcastState, Description
from workers.dispatcher.commands import Command, Deadline, FillGap, Order, Start, StartLater, Stop
from workers.ladder import IDLE_MS, wanted_now
from workers.placement import choose

CLAIM_MS = 250
"""An attempt that no worker has taken for so long goes to another device."""
RESEND_MS = 1_000
"""Where there is no other device, its order is sent again after so long: the message may have been lost."""
LATE_MS = 220
"""A part may come so long after the source's picture that it waits for; then another device is tried."""
SLOW_MS = 500
"""What an attempt may need from its claim to its first part, and from one part to the next while it catches up."""
OPEN_MS = 20_000
"""A segment's deadline while it is open: longer than any lasts."""
CLOSED_MS = 2_500
"""And once it has ended, from then on."""
CATCH_UP_MS = 8_000
"""The deadline of a segment that had ended when it was first ordered: nobody plays that rendition yet."""
FRESH_SEGMENTS = 1
"""How far behind the newest segment a new attempt still begins; what lies further back becomes GAP."""
MAX_ATTEMPTS = 4
"""After so many attempts a segment that still fails is taken for poisonous, and becomes GAP."""
SEGMENTS = 8
"""How many segments back are watched."""
IDLE_LOOK_MS = 2_000
BUSY_LOOK_MS = 500
"""How often a broadcast is looked at when nothing is due, without and with running renditions."""

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_FRAME_MS = 40
"""A part is whole when the frame after it is known: 25 frames a second is the slowest that is counted on."""


@dataclass(slots=True)
class Decision:
    """Commands, and when to look again at the latest."""

    commands: list[Command] = field(default_factory=list)
    look_at_ms: int = 0

    def look_by(self, at_ms: int) -> None:
        self.look_at_ms = min(self.look_at_ms, at_ms)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies outside the broadcast: devices that live, broadcasts on each, and whether a hedge is affordable.

    `may_hedge` spends what it allows.
    """

    fleet: Mapping[str, Device]
    load: Mapping[str, int]
    may_hedge: Callable[[], bool]


def decide(description: Description, view: View, around: Surroundings) -> Decision:
    """The commands that are due in a broadcast that is not over, and when more may be."""
    return _Deciding(description, view, around).decide()


class _Deciding:
    def __init__(self, description: Description, view: View, around: Surroundings) -> None:
        self._description = description
        self._broadcast = description.broadcast
        self._view = view
        self._around = around
        self._now = view.now_ms
        self._source = view.progress.get(SOURCE)
        self._running = dict(view.running)
        self._decision = Decision(look_at_ms=self._now + IDLE_LOOK_MS)

    def decide(self) -> Decision:
        source = self._source
        if source is None:
            return self._decision
        self._start_and_stop(source)
        orders: dict[tuple[int, str, str], dict[str, str]] = {}
        for rendition, from_msn in self._running.items():
            self._see_to(rendition, from_msn, source, orders)
        for (msn, device, why), expected in sorted(orders.items()):
            self._add(Order(self._broadcast, msn, expected, device, self._deadline_ms(msn, source), why))
        if self._running:
            self._decision.look_by(self._now + BUSY_LOOK_MS)
        return self._decision

    def _add(self, command: Command) -> None:
        self._decision.commands.append(command)

    def _start_and_stop(self, source: Progress) -> None:
        wanted = wanted_now(self._description, self._view.wanted, self._now)
        for rendition in sorted(self._running.keys() - wanted):
            self._add(Stop(self._broadcast, rendition, self._view.wanted.get(rendition)))
            if not self._unfinished(rendition, self._running[rendition], source):
                del self._running[rendition]
        if self._description.state is BroadcastState.LIVE:
            for rendition in sorted(wanted - self._running.keys()):
                # hls.js takes a playlist with parts but no whole segment for an error: begin with one that is over.
                self._running[rendition] = max(self._view.oldest_msn, source.msn - 1)
                self._add(Start(self._broadcast, rendition, self._running[rendition]))
        for rendition in self._running:
            if rendition in self._view.wanted:
                self._decision.look_by(self._view.wanted[rendition] + IDLE_MS)

    def _unfinished(self, rendition: str, from_msn: int, source: Progress) -> list[int]:
        """Segments up to the newest that the rendition has not done, oldest first."""
        begun = self._view.progress.get(rendition)
        first = max(from_msn, begun.msn if begun is not None else 0, source.msn - SEGMENTS)
        return [
            msn
            for msn in range(first, source.msn + 1)
            if msn not in self._view.tasks or rendition not in self._view.tasks[msn].done
        ]

    def _see_to(
        self, rendition: str, from_msn: int, source: Progress, orders: dict[tuple[int, str, str], dict[str, str]]
    ) -> None:
        """One rendition: order what nobody works at, and watch what somebody does."""
        stopping = rendition not in wanted_now(self._description, self._view.wanted, self._now)
        oldest = True
        for msn in self._unfinished(rendition, from_msn, source):
            task = self._view.tasks.get(msn)
            token = task.tokens.get(rendition) if task is not None else None
            if task is None or token is None:
                if stopping:
                    continue
                if msn < source.msn - FRESH_SEGMENTS:
                    self._give_up(rendition, from_msn, msn, "", source)
                else:
                    self._order(orders, rendition, msn, "", None, "opened")
            else:
                self._bring_forward(rendition, task, source)
                why = self._lost(rendition, task, task.attempts[token], source, oldest=oldest)
                if why == "given up":
                    self._give_up(rendition, from_msn, msn, token, source)
                elif why:
                    self._order(orders, rendition, msn, token, task.attempts[token].device, why)
            oldest = False

    def _deadline_ms(self, msn: int, source: Progress) -> int:
        return CATCH_UP_MS if self._is_closed(msn, source) else OPEN_MS

    def _is_closed(self, msn: int, source: Progress) -> bool:
        return msn < source.msn or self._description.state is not BroadcastState.LIVE

    def _bring_forward(self, rendition: str, task: Task, source: Progress) -> None:
        deadline = task.deadlines[rendition]
        if self._is_closed(task.msn, source) and deadline > self._now + CATCH_UP_MS:
            self._add(Deadline(self._broadcast, task.msn, rendition, CLOSED_MS))
        self._decision.look_by(deadline)

    def _lost(self, rendition: str, task: Task, attempt: Attempt, source: Progress, *, oldest: bool) -> str:
        """Why an attempt is no longer believed in; empty while it is."""
        if self._now >= task.deadlines[rendition] or (attempt.failed and len(task.attempts) >= MAX_ATTEMPTS):
            return "given up"
        device = self._around.fleet.get(attempt.device)
        elsewhere = choose(self._around.fleet, self._around.load, avoid={attempt.device}) is not None
        if attempt.failed:
            return "failed"
        if attempt.claimed_ms is None:
            if device is None or (elsewhere and self._is_due(attempt.ordered_ms + CLAIM_MS)):
                return "not taken"
            return "not taken" if self._is_due(attempt.ordered_ms + RESEND_MS) else ""
        if device is None or device.instance != attempt.instance:
            return "worker died"
        # Only the oldest can be blamed: the others may not publish before it is done.
        # What took another's place already is left to work: under overload moving it again would only add to that.
        if not oldest or not elsewhere or attempt.again:
            return ""
        late_at = self._late_at(rendition, task.msn, attempt, source)
        if late_at is None or not self._is_due(late_at):
            return ""
        return "late" if self._around.may_hedge() else ""

    def _is_due(self, at_ms: int) -> bool:
        if self._now < at_ms:
            self._decision.look_by(at_ms)
        return self._now >= at_ms

    def _late_at(self, rendition: str, msn: int, attempt: Attempt, source: Progress) -> int | None:
        """When the rendition's next part is late; None while the source has not come that far."""
        assert attempt.claimed_ms is not None
        latest = self._view.progress.get(rendition)
        begun = latest is not None and latest.msn == msn
        moved = max(attempt.claimed_ms, latest.at_ms if latest is not None and begun else 0)
        if latest is None or latest.msn < msn - 1:
            # A run's first part: all that is known of its time is that it lies behind, or within a part.
            return moved + SLOW_MS + (0 if self._is_closed(msn, source) else PART_TARGET_MS)
        part_end = latest.end_dts + PART_TARGET_MS * _TICKS_PER_MS
        if source.msn == msn and source.end_dts < part_end:
            return None
        # The source comes at the pace of its timeline, so its newest chunk tells when an older one came.
        arrival = source.at_ms + (part_end - source.end_dts) // _TICKS_PER_MS + _FRAME_MS
        return max(arrival + LATE_MS, moved + SLOW_MS)

    def _order(
        self,
        orders: dict[tuple[int, str, str], dict[str, str]],
        rendition: str,
        msn: int,
        expected: str,
        failed_on: str | None,
        why: str,
    ) -> None:
        around = self._around
        device = choose(
            around.fleet,
            around.load,
            sticky=self._sticky() if failed_on is None else None,
            avoid={failed_on} if failed_on is not None else (),
        ) or choose(around.fleet, around.load)
        if device is not None:
            orders.setdefault((msn, device.name, why), {})[rendition] = expected

    def _sticky(self) -> str | None:
        """The device of the newest attempt that did not fail."""
        for _, task in sorted(self._view.tasks.items(), reverse=True):
            ordered = [each for each in task.attempts.values() if not each.failed]
            if ordered:
                return max(ordered, key=lambda each: each.ordered_ms).device
        return None

    def _give_up(self, rendition: str, from_msn: int, msn: int, token: str, source: Progress) -> None:
        latest = self._view.progress.get(rendition)
        if latest is not None and latest.msn >= from_msn:
            self._add(FillGap(self._broadcast, msn, rendition, token))
        elif msn == from_msn and source.msn > from_msn:
            # Nobody has seen anything of it yet: rather begin later than with a gap.
            self._add(StartLater(self._broadcast, rendition, from_msn, source.msn))
