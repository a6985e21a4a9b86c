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
from streaming.bus.tasks import NOBODY, Task, View
from streaming.media import PART_TARGET_MS, SOURCE, BroadcastState, Description
from workers.dispatcher.commands import Command, Deadline, FillGap, Order, Start, StartLater, Stop
from workers.dispatcher.judgement import Case, Judgement, Loss, judge
from workers.ladder import IDLE_MS, wanted_now
from workers.placement import choose

OPEN_MS = 20_000
"""A segment's deadline while it is open: longer than any lasts."""
CLOSED_MS = 2_500
"""And once it has ended, from then on."""
CATCH_UP_MS = 8_000
"""The deadline of a segment that had ended when it was first ordered: nobody plays that rendition yet."""
FRESH_SEGMENTS = 1
"""How far behind the newest segment a new attempt still begins; what lies further back becomes GAP."""
SEGMENTS = 8
"""How many segments back are watched."""
IDLE_LOOK_MS = 2_000
BUSY_LOOK_MS = 500
"""How often a broadcast is looked at when nothing is due, without and with running renditions."""
OVER_BUDGET_LOOK_MS = 100
"""How soon a late part is looked at again that could not be hedged: its device may turn out to be dead."""


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
                    self._give_up(rendition, from_msn, msn, "", source, Loss.TOO_LATE)
                else:
                    self._order(orders, rendition, msn, "", None, "opened")
            else:
                self._bring_forward(rendition, task, source)
                loss = self._judge(rendition, task, token, source, oldest=oldest)
                if loss is not None and loss.is_final:
                    self._give_up(rendition, from_msn, msn, token, source, loss)
                elif loss is not None:
                    self._order(orders, rendition, msn, token, task.attempts[token].device, loss)
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

    def _judge(self, rendition: str, task: Task, token: str, source: Progress, *, oldest: bool) -> Loss | None:
        """What befell the newest attempt, as far as something may be done about it now."""
        attempt = task.attempts[token]
        found: Judgement = judge(
            Case(
                view=self._view,
                source=source,
                rendition=rendition,
                task=task,
                attempt=attempt,
                device=self._around.fleet.get(attempt.device),
                elsewhere=choose(self._around.fleet, self._around.load, avoid={attempt.device}) is not None,
                closed=self._is_closed(task.msn, source),
                oldest=oldest,
            )
        )
        if found.due_ms is not None:
            self._decision.look_by(max(found.due_ms, self._now + 1))
        if found.loss is Loss.LATE and not self._around.may_hedge():
            self._decision.look_by(self._now + OVER_BUDGET_LOOK_MS)
            return None
        return found.loss

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
            ordered = [each for each in task.attempts.values() if not each.failed and each.device != NOBODY]
            if ordered:
                return max(ordered, key=lambda each: each.ordered_ms).device
        return None

    def _give_up(self, rendition: str, from_msn: int, msn: int, token: str, source: Progress, why: Loss) -> None:
        latest = self._view.progress.get(rendition)
        if latest is not None and latest.msn >= from_msn:
            closed = self._is_closed(msn, source)
            if not closed:
                self._decision.look_by(self._now + PART_TARGET_MS)
            self._add(FillGap(self._broadcast, msn, rendition, token, closed=closed, why=why))
        elif msn == from_msn and source.msn > from_msn:
            # Nobody has seen anything of it yet: rather begin later than with a gap.
            self._add(StartLater(self._broadcast, rendition, from_msn, source.msn))
