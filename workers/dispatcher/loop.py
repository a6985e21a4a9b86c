"""The thin loop around the dispatcher's machine: events and sights in, its commands carried out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeAlias

import structlog

from streaming.bus import devices, events, reading, running, standby, tasks, thumbnail, troubles
from streaming.bus.epoch import epoch
from streaming.bus.errors import BusError
from streaming.bus.layout import Call, nothing
from streaming.bus.redis import Valkey
from streaming.bus.view import observe
from workers.dispatcher import metrics
from workers.dispatcher.commands import (
    Command,
    Deadline,
    FillGap,
    Look,
    Order,
    Picture,
    Promote,
    Refuse,
    Shed,
    Sight,
    StandBy,
    Start,
    StartLater,
    Stop,
)
from workers.dispatcher.decision import SEGMENTS
from workers.dispatcher.gap import fill_gap
from workers.dispatcher.machine import PICTURE_MS, Machine
from workers.dispatcher.standby import NO_MORE_THAN_PARTNERS, Criticality
from workers.dispatcher.tally import Tally
from workers.ladder import UNWATCHED, Audience, Policy

log = structlog.get_logger(__name__)

SURVEY_MS = 200
"""How often leases are read: of devices, to see them die, and of broadcasts, to miss none."""
MAX_WAIT_MS = 250
RETRY_SECONDS = 0.2
BATCH = 64
"""Broadcasts looked at in one round trip."""

SendTask = Callable[[Order, str], None]
"""Puts a segment task with its token into its device's queue."""
SendPicture = Callable[[str], None]
"""Puts a thumbnail task into its queue."""

CountAudience = Callable[[str, Collection[str]], Audience]
"""How many watch a broadcast and these of its renditions."""

Step: TypeAlias = tuple[Call[Any], Callable[[Any], None]]
"""A call, and what takes its answer."""


def uncounted(_broadcast: str, _renditions: Collection[str]) -> Audience:
    """The audience where nobody counts."""
    return UNWATCHED


class Dispatcher:
    """Runs a machine on a bus until `stop` is set."""

    def __init__(
        self,
        bus: Valkey,
        *,
        send_task: SendTask,
        send_picture: SendPicture,
        stop: threading.Event,
        audience: CountAudience = uncounted,
        policy: Policy = Policy.DEMAND,
        critical: Criticality = NO_MORE_THAN_PARTNERS,
    ) -> None:
        self._bus = bus
        self._send_task = send_task
        self._send_picture = send_picture
        self._stop = stop
        self._audience = audience
        self._machine = Machine(policy, critical)
        self._tally = Tally(started=metrics.START.observe, hedge_won=metrics.HEDGES_WON.inc)
        self._after = b""
        self._surveyed_ms = 0

    def run(self) -> None:
        """Returns once `stop` is set. A bus that can't be reached is waited for."""
        lost = False
        while not self._stop.is_set():
            try:
                self.step()
                lost = False
            except BusError as error:
                if not lost:
                    log.warning("dispatcher.bus", error=str(error))
                lost = True
                # Its memory may be gone, and with it what the newest event was.
                self._after = b""
                self._stop.wait(RETRY_SECONDS)

    def step(self) -> None:
        """Waits for events or the next due time, and does what there is to do. Raises BusError."""
        now_ms = self._bus.run(reading.now_ms())
        if now_ms - self._surveyed_ms >= SURVEY_MS:
            self._survey(now_ms)
        next_ms = self._machine.next_ms()
        wait = MAX_WAIT_MS if next_ms is None else min(MAX_WAIT_MS, max(1, next_ms - now_ms))
        for entry, event in self._bus.run(events.read_events(self._after, block_ms=wait)):
            self._after = entry
            if event is not None and not isinstance(event, events.WorkWanted):
                self._machine.heard(event, now_ms)
        self._see(self._machine.tick(self._bus.run(reading.now_ms())))

    def _survey(self, now_ms: int) -> None:
        if not self._after:
            self._after = self._bus.run(events.newest_id())
        _, fleet, leases = self._bus.run_all([epoch(), devices.alive(), reading.leases()])
        self._machine.fleet(fleet, now_ms)
        self._machine.known(leases, now_ms)
        self._surveyed_ms = now_ms
        if self._machine.is_short:
            self._bus.run(devices.run_short())

    def _see(self, looks: Sequence[Look]) -> None:
        names = [look.broadcast for look in looks]
        # When all are due at once, the first orders go out before the last broadcasts were seen.
        for at in range(0, len(names), BATCH):
            self._see_all(names[at : at + BATCH])

    def _see_all(self, names: Sequence[str]) -> None:
        calls: list[Call[object]] = []
        for name in names:
            calls += [reading.description(name), observe(name, segments=SEGMENTS)]
        replies = self._bus.run_all(calls)
        commands: list[Command] = []
        for name, description, view in zip(names, replies[::2], replies[1::2], strict=True):
            sight = Sight(description, view, self._audience(name, view.wanted))
            try:
                commands += self._machine.saw(name, sight)
            except Exception:
                # One broadcast's trouble must not end the watch over all others; it is looked at again in a second.
                log.exception("dispatcher.broadcast", broadcast=name)
            if self._machine.knows(name):
                self._tally.saw(name, view)
            else:
                self._tally.forget(name)
        self._carry_out(commands)

    def _carry_out(self, commands: Sequence[Command]) -> None:
        """What takes one call each in one round trip, then what takes several."""
        steps = [step for command in commands if (step := self._step(command)) is not None]
        for (_, then), reply in zip(steps, self._bus.run_all([call for call, _ in steps]), strict=True):
            then(reply)
        for command in commands:
            if isinstance(command, FillGap):
                self._fill_gap(command)

    def _step(self, command: Command) -> Step | None:
        """The call that carries a command out, and what its answer leads to; None where one call isn't enough."""
        broadcast = command.broadcast
        match command:
            case Order(_, msn, expected, device):
                call: Call[Any] = tasks.order(broadcast, msn, expected, device=device, late_ms=command.late_ms)
                return call, partial(self._ordered, command)
            case StandBy(_, msn, renditions, device):
                call = standby.order(broadcast, msn, renditions, device=device)
                return call, partial(self._has_stand_by, command)
            case Promote(_, msn, token, expected):
                return standby.promote(broadcast, msn, token, expected), partial(self._promoted, command)
            case Deadline(_, msn, rendition, late_ms):
                return tasks.shorten_deadline(broadcast, msn, rendition, late_ms=late_ms), nothing
            case Start(_, rendition, msn):
                return running.start(broadcast, rendition, msn), nothing
            case StartLater(_, rendition, than, msn):
                return running.start_later(broadcast, rendition, than=than, msn=msn), nothing
            case Stop(_, rendition, last_wanted_ms):
                return running.stop(broadcast, rendition, last_wanted_ms=last_wanted_ms), nothing
            case Shed(_, rendition):
                return running.shed(broadcast, rendition), partial(self._shed, command)
            case Refuse(_, rendition):
                return running.refuse(broadcast, rendition), nothing
            case Picture():
                # Of several dispatchers one asks.
                call = thumbnail.claim(broadcast, for_ms=PICTURE_MS - 1_000)
                return call, partial(self._picture, command)
        return None

    def _ordered(self, order: Order, token: str | None) -> None:
        if token is None:
            return
        self._machine.ordered()
        self._tally.ordered(order.broadcast, order.msn, token, order.why)
        metrics.ATTEMPTS.labels(order.why).inc()
        if order.why != "opened":
            log.warning("segment.moved", broadcast=order.broadcast, msn=order.msn, device=order.device, why=order.why)
        self._send_task(order, token)

    def _has_stand_by(self, command: StandBy, token: str | None) -> None:
        if token is not None:
            metrics.ATTEMPTS.labels("standby").inc()
            renditions = dict.fromkeys(command.renditions, "")
            self._send_task(Order(command.broadcast, command.msn, renditions, command.device, 0, "standby"), token)

    def _promoted(self, command: Promote, done: bool) -> None:
        if done:
            log.warning("segment.promoted", broadcast=command.broadcast, msn=command.msn, why=command.why)

    def _shed(self, command: Shed, done: bool) -> None:
        if done:
            metrics.SHED.inc()
            log.warning("rendition.shed", broadcast=command.broadcast, rendition=command.rendition)

    def _picture(self, command: Picture, claimed: bool) -> None:
        if claimed:
            self._send_picture(command.broadcast)

    def _fill_gap(self, command: FillGap) -> None:
        broadcast, msn, rendition = command.broadcast, command.msn, command.rendition
        if self._bus.run(troubles.note(broadcast, msn, rendition, command.why)):
            metrics.MISSES.labels(str(command.why)).inc()
            log.warning("segment.given_up", broadcast=broadcast, msn=msn, rendition=rendition, why=str(command.why))
        parts = fill_gap(self._bus, command)
        if parts:
            log.warning("segment.gap", broadcast=broadcast, msn=msn, rendition=rendition, parts=parts)
