"""What to do about one broadcast, from what the bus shows of it. Pure, and without memory.

The bus is the truth, and every command is carried out only where it still holds; so two dispatchers may decide the
same thing, or one may die in the middle, and nothing is lost or done twice.

All times are the bus's ms.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from streaming.bus.demand import REACH
from streaming.bus.layout import Progress
from streaming.bus.tasks import NOBODY
from streaming.bus.view import Task, View
from streaming.media import PART_TARGET_MS, SOURCE, BroadcastState, Description
from workers.allotment import Claim, allot
from workers.cost import cost, upkeep
from workers.dispatcher import standby
from workers.dispatcher.commands import (
    Command,
    Deadline,
    FillGap,
    Order,
    Promote,
    Refuse,
    Shed,
    StandBy,
    Start,
    StartLater,
    Stop,
)
from workers.dispatcher.judgement import Case, Judgement, Loss, judge
from workers.dispatcher.standby import NO_MORE_THAN_PARTNERS, Criticality
from workers.ladder import IDLE_MS, Asked, Audience, Policy, rungs_of, wanted_now
from workers.placement import Load, Placement

OPEN_MS = 20_000
"""A segment's deadline while it is open: longer than any lasts."""
CLOSED_MS = 4_000
"""And once it has ended, from then on: what the worker of a lone device needs to be started again and to catch up. Who
plays the rendition has left it long before, for its parts are late."""
CATCH_UP_MS = 8_000
"""The deadline of a segment that had ended when it was first ordered: nobody plays that rendition yet."""
FRESH_SEGMENTS = 1
"""How far behind the newest segment a new attempt still begins; what lies further back becomes GAP."""
SEGMENTS = 8
"""How many segments back are watched."""
IDLE_LOOK_MS = 2_000
BUSY_LOOK_MS = 500
"""How often a broadcast is looked at when nothing is due, without and with running renditions."""
ASKING_MS = 6_000
"""A player asks for its rendition every few seconds at the latest: it waits so long for a blocking reload."""
REFUSE_AGAIN_MS = 2_000
"""How often a refusal is repeated while somebody asks: it counts `running.REFUSED_MS`."""
OVER_BUDGET_LOOK_MS = 100
"""How soon a late part is looked at again that could not be hedged: its device may turn out to be dead."""


@dataclass(slots=True)
class Decision:
    """Commands, when to look again at the latest, and what the broadcast and its standby take of devices from now on.

    `short` says that it goes without a rendition that a device would have room for if it were free.
    """

    commands: list[Command] = field(default_factory=list)
    look_at_ms: int = 0
    load: Load | None = None
    standby: Load | None = None
    short: bool = False

    def look_by(self, at_ms: int) -> None:
        self.look_at_ms = min(self.look_at_ms, at_ms)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies outside the broadcast: devices and what is on them, and whether a hedge is affordable.

    `may_hedge` spends what it allows.
    """

    placement: Placement
    may_hedge: Callable[[], bool]
    policy: Policy = Policy.DEMAND
    critical: Criticality = NO_MORE_THAN_PARTNERS


def decide(description: Description, view: View, audience: Audience, around: Surroundings) -> Decision:
    """The commands that are due in a broadcast that is not over, and when more may be."""
    return _Deciding(description, view, audience, around).decide()


class _Deciding:
    def __init__(self, description: Description, view: View, audience: Audience, around: Surroundings) -> None:
        self._description = description
        self._broadcast = description.broadcast
        self._view = view
        self._around = around
        self._now = view.now_ms
        self._source = view.progress.get(SOURCE)
        self._running = dict(view.running)
        self._audience = audience
        asked = Asked(view.wanted, self._now, audience, view.running)
        self._wanted = wanted_now(description, asked, around.policy)
        self._allotment = allot(
            Claim(
                self._broadcast,
                description,
                self._wanted,
                watched=frozenset(name for name, at in view.wanted.items() if self._now - at < IDLE_MS),
                running=view.running,
                sticky=self._sticky(),
                audience=self._known_audience(audience),
            ),
            around.placement,
        )
        self._run, self._home = self._allotment.run, self._allotment.home
        self._decision = Decision(look_at_ms=self._now + IDLE_LOOK_MS)
        self._promoted: set[int] = set()

    def decide(self) -> Decision:
        source = self._source
        if source is None:
            return self._decision
        self._start_and_stop(source)
        self._refuse()
        orders: dict[tuple[int, str, str], dict[str, str]] = {}
        for rendition, from_msn in self._running.items():
            self._see_to(rendition, from_msn, source, orders)
        for (msn, device, why), expected in sorted(orders.items()):
            left = self._promote(msn, expected, why)
            if left:
                self._add(Order(self._broadcast, msn, left, device, self._deadline_ms(msn, source), why))
        self._have_stand_by(source.msn)
        if self._running:
            self._decision.look_by(self._now + BUSY_LOOK_MS)
        self._decision.load, self._decision.short = self._allotment.load, self._allotment.short
        return self._decision

    def _have_stand_by(self, msn: int) -> None:
        """Has another device stand by at the newest segment, as soon as that is ordered, and counts what it takes."""
        device = standby.where(self._view, msn)
        task = self._view.tasks.get(msn)
        if task is None:
            # It is ordered with the attempt: a moment later that may be lost already.
            orders = (each for each in self._decision.commands if isinstance(each, Order) and each.msn == msn)
            order = next(orders, None)
            if order is not None:
                device = self._order_standby(msn, order.expected, order.device) or device
        elif not task.second:
            renditions = sorted(task.tokens.keys() & self._running.keys() - task.done)
            if renditions:
                device = self._order_standby(msn, renditions, task.attempts[task.tokens[renditions[0]]].device)
        if device is not None:
            dormant = upkeep(self._description)
            self._decision.standby = Load(device, dormant, more=max(0, self._cost(self._run) - dormant))

    def _order_standby(self, msn: int, renditions: Collection[str], home: str) -> str | None:
        """Where it was ordered, if it was."""
        is_live = self._description.state is BroadcastState.LIVE
        if not is_live or not self._around.critical.holds(self._description, self._audience):
            return None
        placement, cost_of_all = self._around.placement, self._cost(frozenset(renditions))
        device = standby.place(self._view, msn, placement, self._broadcast, cost_of_all, home=home)
        if device is None:
            return None
        self._add(StandBy(self._broadcast, msn, tuple(sorted(renditions)), device.name))
        return device.name

    def _promote(self, msn: int, expected: Mapping[str, str], why: str) -> Mapping[str, str]:
        """Lets the segment's standby, if there is one, take over from a lost attempt, and all at once; what is left."""
        task = self._view.tasks.get(msn)
        ready = standby.ready(task, self._around.placement.devices) if task is not None else None
        lost = set(expected.values()) - {""}
        if task is None or ready is None or not lost:
            return expected
        takes = {name: held for name, held in task.tokens.items() if held in lost and name in ready.standby - task.done}
        if takes and msn not in self._promoted:
            self._promoted.add(msn)
            self._add(Promote(self._broadcast, msn, ready.token, takes, why))
            self._promote_next(msn, {task.attempts[held].device for held in takes.values()}, why)
        return {name: held for name, held in expected.items() if name not in takes}

    def _promote_next(self, msn: int, lost: Collection[str], why: str) -> None:
        """Lets a standby take over what the same devices have of the next segment: it waits there for this one's
        encoder, and would be late in its turn."""
        task = self._view.tasks.get(msn + 1)
        if task is not None:
            waiting = {name: held for name, held in task.tokens.items() if task.attempts[held].device in lost}
            self._promote(msn + 1, waiting, why)

    def _known_audience(self, audience: Audience) -> Audience:
        """The audience with those who don't report: a player that asks for a rendition just now watches it."""
        asking = {name for name, at in self._view.wanted.items() if self._now - at < ASKING_MS}
        of = {name: max(audience.of.get(name, 0), int(name in asking)) for name in {*audience.of, *asking}}
        return Audience(audience.viewers, of)

    def _cost(self, renditions: frozenset[str]) -> int:
        return cost(self._description, renditions)

    def _add(self, command: Command) -> None:
        self._decision.commands.append(command)

    def _start_and_stop(self, source: Progress) -> None:
        for rendition in sorted(self._running.keys() - self._run):
            if rendition in self._wanted:
                self._add(Shed(self._broadcast, rendition))
            else:
                self._add(Stop(self._broadcast, rendition, self._view.wanted.get(rendition)))
            if not self._unfinished(rendition, self._running[rendition], source):
                del self._running[rendition]
        if self._description.state is BroadcastState.LIVE:
            for rendition in sorted(self._run - self._running.keys()):
                self._running[rendition] = max(self._view.oldest_msn, self._first(rendition, source))
                self._add(Start(self._broadcast, rendition, self._running[rendition]))
        for rendition in self._running:
            if rendition in self._view.wanted:
                self._decision.look_by(self._view.wanted[rendition] + IDLE_MS)

    def _first(self, rendition: str, source: Progress) -> int:
        """Where an idle rendition begins."""
        since = self._view.since.get(rendition)
        if since is not None and source.msn - REACH <= since < source.msn:
            return since
        # hls.js takes a playlist with parts but no whole segment for an error: begin with one that is over.
        return source.msn - 1

    def _refuse(self) -> None:
        """Lets nobody wait for what the policy leaves out, or no device has room for."""
        idle = {each.name for each in rungs_of(self._description)} - self._run - self._running.keys()
        for rendition in sorted(idle & self._view.wanted.keys()):
            is_asked_for = self._now - self._view.wanted[rendition] < ASKING_MS
            told = self._view.refused.get(rendition)
            if is_asked_for and (told is None or self._now - told >= REFUSE_AGAIN_MS):
                self._add(Refuse(self._broadcast, rendition))

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
        stopping = rendition not in self._run
        oldest = True
        begun = self._view.progress.get(rendition)
        # What has just been started may begin further back, for somebody plays there.
        fresh = FRESH_SEGMENTS if begun is not None and begun.msn >= from_msn else REACH
        for msn in self._unfinished(rendition, from_msn, source):
            task = self._view.tasks.get(msn)
            token = task.tokens.get(rendition) if task is not None else None
            if task is None or token is None:
                if stopping:
                    continue
                if msn < source.msn - fresh:
                    self._give_up(rendition, from_msn, msn, "", source, Loss.TOO_LATE)
                else:
                    self._order(orders, rendition, msn, "", None, "opened")
            else:
                self._bring_forward(rendition, task, source)
                overtaken = self._is_overtaken(rendition, msn, source)
                loss = Loss.TOO_LATE if overtaken else self._judge(rendition, task, token, source, oldest=oldest)
                if loss is not None and loss.is_final:
                    self._give_up(rendition, from_msn, msn, token, source, loss)
                elif loss is not None:
                    self._order(orders, rendition, msn, token, task.attempts[token].device, str(loss))
            oldest = False

    def _is_overtaken(self, rendition: str, msn: int, source: Progress) -> bool:
        """Whether a segment is over, nothing of it came, and the one before was given up.

        An encoder slower than real time would be late with all that follows: it goes on with the newest instead.
        """
        latest, before = self._view.progress.get(rendition), self._view.tasks.get(msn - 1)
        if latest is None or latest.msn >= msn or msn >= source.msn or before is None:
            return False
        return any(
            before.attempts[token].device == NOBODY for name, token in before.tokens.items() if name == rendition
        )

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
        placement, avoid = self._around.placement, {attempt.device}
        guarded = standby.ready(task, placement.devices) is not None
        found: Judgement = judge(
            Case(
                view=self._view,
                source=source,
                rendition=rendition,
                task=task,
                attempt=attempt,
                device=placement.devices.get(attempt.device),
                elsewhere=placement.roomiest(avoid=avoid) is not None,
                closed=self._is_closed(task.msn, source),
                oldest=oldest,
                guarded=guarded,
            )
        )
        if found.due_ms is not None:
            self._decision.look_by(max(found.due_ms, self._now + 1))
        if found.loss is not Loss.LATE or guarded:
            # What stands by is there to be used: it adds no decoding, and waits where there is room.
            return found.loss
        # Hedges are the first that overload ends: none goes to where there is no room for it.
        has_room = placement.choose(self._cost(self._run), self._broadcast, avoid=avoid) is not None
        if has_room and self._around.may_hedge():
            return found.loss
        self._decision.look_by(self._now + OVER_BUDGET_LOOK_MS)
        return None

    def _order(
        self,
        orders: dict[tuple[int, str, str], dict[str, str]],
        rendition: str,
        msn: int,
        expected: str,
        failed_on: str | None,
        why: str,
    ) -> None:
        device = self._home
        if failed_on is not None:
            placement, elsewhere = self._around.placement, {failed_on}
            other = (
                placement.choose(self._cost(self._run), self._broadcast, avoid=elsewhere)
                or placement.roomiest(avoid=elsewhere)
                or placement.roomiest()
            )
            device = other.name if other is not None else None
        if device is not None:
            orders.setdefault((msn, device, why), {})[rendition] = expected

    def _sticky(self) -> str | None:
        """The device of the newest attempt that holds something and did not fail."""
        for _, task in sorted(self._view.tasks.items(), reverse=True):
            held = [task.attempts[token] for token in task.tokens.values()]
            at_work = [each for each in held if not each.failed and each.device != NOBODY]
            if at_work:
                return max(at_work, key=lambda each: each.ordered_ms).device
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
