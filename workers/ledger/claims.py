"""One worker's hold on a step. Every change is conditional on the attempt's token: who lost it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Now

from vods.steps import Abandoned, StepSpec
from workers.ledger.backoff import MAX_ATTEMPTS, retry_after
from workers.ledger.workflows import Wake, add_steps, finish_if_settled, note_wakes, unlock
from workers.models import MAX_ERROR, Step, StepQuerySet, StepState, Workflow

LEASE_SECONDS = 30.0
"""How long a step stays with a worker that says nothing; it renews three times as often."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do a step, and all there is to know for it."""

    step: UUID
    workflow: UUID
    token: UUID
    kind: str
    subject: UUID
    work: str
    arguments: Mapping[str, Any]
    attempt: int


def claim(*, step_id: UUID, lease_seconds: float = LEASE_SECONDS) -> Claim | None:
    """Takes the step, for one of any number of callers; None if it isn't to be had, or isn't there."""
    token = uuid4()
    taken = (
        Step.objects.claimable()
        .filter(pk=step_id)
        .update(
            state=StepState.RUNNING,
            token=token,
            attempts=F("attempts") + 1,
            lease_until=Now() + Value(timedelta(seconds=lease_seconds)),
            # Should it be left behind: the first message about that goes out when the lease has run out.
            wake_at=Now() + Value(timedelta(seconds=lease_seconds)),
            wakes=0,
            started_at=Now(),
            finished_at=None,
        )
    )
    if not taken:
        return None
    step = Step.objects.select_related("workflow").filter(pk=step_id, token=token).first()
    if step is None:
        return None  # cancelled in between
    return Claim(
        step=step.pk,
        workflow=step.workflow_id,
        token=token,
        kind=step.workflow.kind,
        subject=step.workflow.subject,
        work=step.work,
        arguments=step.arguments,
        attempt=step.attempts,
    )


def renew(held: Claim, *, lease_seconds: float = LEASE_SECONDS) -> bool:
    """Keeps the step for longer; false when it is no longer the caller's."""
    until = Now() + Value(timedelta(seconds=lease_seconds))
    return _held(held).update(lease_until=until, wake_at=until) == 1


@transaction.atomic
def complete(held: Claim, *, write: Callable[[], None], then: Sequence[StepSpec]) -> list[Wake]:
    """Ends the step: what it has to `write`, its further steps and those that it unlocks, all or nothing.

    Answers what is to be woken after commit. Raises Abandoned.
    """
    # The row orders steps that end at once: each sees whether it was the last that another needed.
    workflow = Workflow.objects.select_for_update(no_key=True).get(pk=held.workflow)
    done = _held(held).update(state=StepState.DONE, token=None, lease_until=None, finished_at=Now(), last_error="")
    if not done:
        raise Abandoned
    write()
    woken = add_steps(workflow, then) + note_wakes(unlock(held.step))
    finish_if_settled(held.workflow)
    return woken


@transaction.atomic
def fail(held: Claim, *, error: str, jitter: float, final: bool, died: Callable[[str], None]) -> bool:
    """Notes that the attempt failed: the step waits for the next, or is dead after the last, or if this is `final`.

    `jitter` is from 0 to 1. `died` is told the error if it is dead. True if that was the end of it. Raises Abandoned.
    """
    told = error[-MAX_ERROR:].replace("\0", "")
    dead = final or held.attempt >= MAX_ATTEMPTS
    changes: dict[str, Any] = {"token": None, "lease_until": None, "finished_at": Now(), "last_error": told}
    if dead:
        changes |= {"state": StepState.DEAD}
    else:
        due = Now() + Value(timedelta(seconds=retry_after(held.attempt, jitter)))
        changes |= {"state": StepState.WAITING, "due_at": due, "wake_at": due, "wakes": 0}
    if not _held(held).update(**changes):
        raise Abandoned
    if dead:
        died(told)
    return dead


def _held(held: Claim) -> StepQuerySet:
    return Step.objects.filter(pk=held.step, token=held.token, state=StepState.RUNNING)
