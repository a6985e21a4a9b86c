"""Whether an attempt at a segment is still believed in. Pure.

An attempt can be lost for a reason that is certain (nobody took it, its worker died, it said that it failed), and then
its place is free. Or it is merely late: then another attempt beside it is a hedge, of which there is a budget.

All times are the bus's ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from streaming.bus.devices import Device
from streaming.bus.layout import Progress
from streaming.bus.tasks import NOBODY
from streaming.bus.view import Attempt, Task, View
from streaming.media import PART_TARGET_MS, VIDEO_TIMESCALE

CLAIM_MS = 250
"""An attempt that no worker has taken for so long goes to another device. Twice as long for the one after it, and so
on: if all queues are slow, a new attempt each 250 ms would see to it that none is ever taken in time."""
RESEND_MS = 1_000
"""Where there is no other device, its order is sent again after so long: the message may have been lost."""
LATE_MS = 220
"""A part may come so long after the source's picture that it waits for; then another device is tried."""
SLOW_MS = 500
"""What an attempt may need from its claim to its first part, and from one part to the next while it catches up."""
GUARDED_LATE_MS, GUARDED_SLOW_MS = 170, 450
"""The same where a standby is ready to take over: that costs little, and is to be done within a part. At 80 % of a
device's capacity parts came at most 195 ms after their last picture (`bench.late`), of which 40 are the next one's."""
SILENT_MS = 700
"""A device that has not renewed its lease for so long, and is late, is taken for dead: it is stopped, or cut off."""
MAX_CRASHES = 2
"""An encoder that crashed on a segment so often, on two devices where there are two, will crash again: it is poison."""
MAX_ATTEMPTS = 4
"""After so many attempts that a worker began, a segment that still fails, for whatever reason, becomes GAP."""

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_FRAME_MS = 40
"""A part is whole when the frame after it is known: 25 frames a second is the slowest that is counted on."""


class Loss(StrEnum):
    """What befell an attempt."""

    NOT_TAKEN = "not taken"
    DIED = "worker died"
    FAILED = "failed"
    LATE = "late"
    POISONED = "poisoned"
    """Its encoder crashed, and so did another before."""
    TOO_LATE = "too late"
    """The deadline has passed, or too many have failed."""

    @property
    def is_final(self) -> bool:
        """Whether no other attempt is worth it: what is missing becomes GAP."""
        return self in (Loss.POISONED, Loss.TOO_LATE)


class Judgement(NamedTuple):
    """`loss` is None while the attempt is believed in; `due_ms` is when that may change with nothing else happening."""

    loss: Loss | None
    due_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """The newest attempt at a rendition of a segment, and what lies around it.

    `device` is where it runs, if that lives; `elsewhere` says that another device takes tasks; `closed` that the
    segment is over; `oldest` that it is the first which the rendition has not done, so that its parts come next;
    `guarded` that a standby is ready.
    """

    view: View
    source: Progress
    rendition: str
    task: Task
    attempt: Attempt
    device: Device | None
    elsewhere: bool
    closed: bool
    oldest: bool
    guarded: bool = False


def judge(case: Case) -> Judgement:
    """What is known of an attempt at `case.view.now_ms`."""
    task, attempt = case.task, case.attempt
    if attempt.device == NOBODY:
        # Given up before: the rest becomes GAP as the source comes.
        return Judgement(Loss(task.noted.get(case.rendition, Loss.TOO_LATE)))
    if case.view.now_ms >= task.deadlines[case.rendition]:
        return Judgement(Loss.TOO_LATE)
    if attempt.failed:
        return Judgement(_after_failure(task, attempt))
    if attempt.claimed_ms is None:
        return _unclaimed(case)
    if case.device is None or case.device.instance != attempt.instance:
        return Judgement(Loss.TOO_LATE if task.begun >= MAX_ATTEMPTS else Loss.DIED)
    return _at_work(case)


def _after_failure(task: Task, attempt: Attempt) -> Loss:
    if attempt.crashed and sum(each.crashed for each in task.attempts.values()) >= MAX_CRASHES:
        return Loss.POISONED
    return Loss.TOO_LATE if task.begun >= MAX_ATTEMPTS else Loss.FAILED


def _unclaimed(case: Case) -> Judgement:
    if case.device is None or (case.elsewhere and not case.device.slots):
        # Its queue has nobody to empty it, or will have none: the worker is being stopped.
        return Judgement(Loss.NOT_TAKEN)
    patience = (CLAIM_MS if case.elsewhere else RESEND_MS) << (case.task.tries - 1)
    return _due(case, case.attempt.ordered_ms + patience, Loss.NOT_TAKEN)


def _at_work(case: Case) -> Judgement:
    if case.attempt.again:
        # What took another's place already is left to work while its lease runs: where all is slow, even renewing,
        # moving it again would only add to that.
        return Judgement(None)
    # Only the oldest can be blamed: the others may not publish before it is done.
    if not case.oldest or not case.elsewhere:
        return Judgement(None)
    late_ms, source_has_come = _late_ms(case)
    if not source_has_come:
        # It will have come by then if it keeps its pace, and a look that is late is a takeover that is late.
        return Judgement(None, late_ms if late_ms > case.view.now_ms else None)
    is_silent = case.device is not None and case.device.silent_ms >= SILENT_MS
    return _due(case, late_ms, Loss.DIED if is_silent else Loss.LATE)


def _due(case: Case, at_ms: int, loss: Loss) -> Judgement:
    return Judgement(loss) if case.view.now_ms >= at_ms else Judgement(None, at_ms)


def _late_ms(case: Case) -> tuple[int, bool]:
    """When the rendition's next part is late, and whether the source has come as far as that part."""
    attempt, msn, source = case.attempt, case.task.msn, case.source
    late_ms, slow_ms = (GUARDED_LATE_MS, GUARDED_SLOW_MS) if case.guarded else (LATE_MS, SLOW_MS)
    assert attempt.claimed_ms is not None
    latest = case.view.progress.get(case.rendition)
    begun = latest is not None and latest.msn == msn
    moved = max(attempt.claimed_ms, latest.at_ms if latest is not None and begun else 0)
    if latest is None or latest.msn < msn - 1:
        # A run's first part: all that is known of its time is that it lies behind, or within a part.
        return moved + slow_ms + (0 if case.closed else PART_TARGET_MS), True
    part_end = latest.end_dts + PART_TARGET_MS * _TICKS_PER_MS
    # The source comes at the pace of its timeline, so its newest chunk tells when an older one came, or the next will.
    arrival = source.at_ms + (part_end - source.end_dts) // _TICKS_PER_MS + _FRAME_MS
    return max(arrival + late_ms, moved + slow_ms), source.msn > msn or source.end_dts >= part_end
