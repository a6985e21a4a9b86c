"""Opening workflows, adding steps, and what the house decides about steps that died.

Whoever changes more than one step of a workflow holds the workflow's row, and takes it before any step's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Now

from vods.steps import StepSpec
from workers.ledger.backoff import wake_after
from workers.models import FINISHED, Step, StepState, Workflow, WorkflowState

KEEP_DAYS = 30
"""How long a workflow is shown that is done."""
PRUNE_AT_ONCE = 50


class Wake(NamedTuple):
    """A message to send: which step, into which queue."""

    step: UUID
    lane: str


@transaction.atomic
def open_workflow(*, kind: str, subject: UUID, steps: Sequence[StepSpec], stays_open: bool = False) -> list[Wake]:
    """The workflow with these steps, or these added to the one that is there; steps are told apart by their names.

    Any number of callers may do the same at once. A workflow that `stays_open` is not done before one comes that
    doesn't. Answers what is to be woken. Nothing comes of one that was cancelled.
    """
    Workflow.objects.bulk_create([Workflow(kind=kind, subject=subject, open=True)], ignore_conflicts=True)
    workflow = _locked(kind=kind, subject=subject)
    if workflow.state == WorkflowState.CANCELLED:
        return []
    woken = add_steps(workflow, steps)
    if woken and workflow.state == WorkflowState.DONE:
        Workflow.objects.filter(pk=workflow.pk).update(state=WorkflowState.RUNNING, finished_at=None)
    if workflow.open and not stays_open:
        Workflow.objects.filter(pk=workflow.pk).update(open=False)
    finish_if_settled(workflow.pk)
    return woken


def add_steps(workflow: Workflow, specs: Sequence[StepSpec]) -> list[Wake]:
    """Adds what the workflow, whose row the caller holds, hasn't got; answers what can begin at once.

    A step may need any that is there or comes before it in `specs`. Raises KeyError if it needs an unknown one.
    """
    needed = {name for spec in specs for name in spec.needs}
    known = {step.name: step for step in workflow.steps.filter(name__in=needed | {spec.name for spec in specs})}
    made: list[Step] = []
    links = []
    for spec in specs:
        if spec.name in known:
            continue
        needs = [known[name] for name in spec.needs]
        blocked = any(step.state not in FINISHED for step in needs)
        step = Step(
            workflow=workflow,
            name=spec.name,
            work=spec.work,
            arguments=dict(spec.arguments),
            lane=spec.lane.value,
            state=StepState.BLOCKED if blocked else StepState.WAITING,
            delay=timedelta(seconds=spec.delay),
        )
        known[spec.name] = step
        made.append(step)
        links += [Step.needs.through(from_step_id=step.pk, to_step_id=need.pk) for need in needs]
    Step.objects.bulk_create(made)
    Step.needs.through.objects.bulk_create(links)
    return note_wakes(_begin([step for step in made if step.state == StepState.WAITING]))


def unlock(step_id: UUID) -> list[Step]:
    """Lets go what needed this finished step and needs no other any more, and answers what of it is due. The caller
    holds the workflow's row."""
    blocked = Step.objects.filter(needs=step_id, state=StepState.BLOCKED)
    links = Step.needs.through.objects.filter(from_step__in=blocked).exclude(to_step__state__in=FINISHED)
    return _begin(list(blocked.exclude(pk__in=links.values("from_step"))))


def _begin(free: Sequence[Step]) -> list[Step]:
    """Makes steps that nothing keeps wait for a worker; answers those that are due at once."""
    due = Now() + F("delay")
    Step.objects.filter(pk__in=[step.pk for step in free]).update(state=StepState.WAITING, due_at=due, wake_at=due)
    return [step for step in free if not step.delay]


def note_wakes(steps: Iterable[Step]) -> list[Wake]:
    """Notes that a message about each goes out now; answers them, to be sent after commit."""
    woken = list(steps)
    for wakes in {step.wakes for step in woken}:
        Step.objects.filter(pk__in=[step.pk for step in woken if step.wakes == wakes]).update(
            wakes=wakes + 1, wake_at=Now() + Value(timedelta(seconds=wake_after(wakes + 1)))
        )
    return [Wake(step.pk, step.lane) for step in woken]


def finish_if_settled(workflow_id: UUID) -> bool:
    """Ends the workflow, whose row the caller holds, if nothing is left to do."""
    if Step.objects.unsettled().filter(workflow=workflow_id).exists():
        return False
    return (
        Workflow.objects.filter(pk=workflow_id, state=WorkflowState.RUNNING, open=False).update(
            state=WorkflowState.DONE, finished_at=Now()
        )
        == 1
    )


def retry(*, step_id: UUID) -> bool:
    """Gives a dead or waiting step another try, now, with all its attempts before it; the sweep wakes it."""
    retryable = Step.objects.filter(pk=step_id, state__in=[StepState.DEAD, StepState.WAITING])
    return retryable.update(state=StepState.WAITING, attempts=0, due_at=Now(), wake_at=Now(), wakes=0) == 1


@transaction.atomic
def skip(*, step_id: UUID) -> bool:
    """Goes on without a step that died, waits or is blocked, as if it were done; the sweep wakes what follows."""
    workflow = _locked(steps=step_id)
    skippable = [StepState.DEAD, StepState.WAITING, StepState.BLOCKED]
    skipped = Step.objects.filter(pk=step_id, state__in=skippable).update(state=StepState.SKIPPED, finished_at=Now())
    if skipped:
        unlock(step_id)
        finish_if_settled(workflow.pk)
    return skipped == 1


@transaction.atomic
def cancel(*, workflow_id: UUID) -> bool:
    """Ends a running workflow: no step of it begins any more, and what runs loses its lease. False if it is over."""
    _locked(pk=workflow_id)
    cancelled = Workflow.objects.filter(pk=workflow_id, state=WorkflowState.RUNNING).update(
        state=WorkflowState.CANCELLED, finished_at=Now(), open=False
    )
    if cancelled:
        Step.objects.unsettled().filter(workflow=workflow_id).update(
            state=StepState.CANCELLED, finished_at=Now(), token=None, lease_until=None
        )
    return cancelled == 1


def cancel_of(*, kind: str, subject: UUID) -> None:
    """Cancels the workflow of this kind on this subject, if there is one that runs."""
    for pk in Workflow.objects.filter(kind=kind, subject=subject, state=WorkflowState.RUNNING).values_list("pk"):
        cancel(workflow_id=pk[0])


@transaction.atomic
def wake(*, most: int) -> list[Wake]:
    """What is due and was not heard of: at most `most`, to be sent after commit.

    Of several dispatchers each takes others.
    """
    return note_wakes(Step.objects.to_wake().select_for_update(no_key=True, skip_locked=True)[:most])


def prune() -> int:
    """Forgets workflows that ended long ago, a few at a time; answers how many."""
    old = Workflow.objects.exclude(state=WorkflowState.RUNNING).filter(
        finished_at__lt=Now() - Value(timedelta(days=KEEP_DAYS))
    )
    pks = list(old.values_list("pk", flat=True)[:PRUNE_AT_ONCE])
    Workflow.objects.filter(pk__in=pks).delete()
    return len(pks)


def _locked(**which: object) -> Workflow:
    return Workflow.objects.select_for_update(no_key=True, of=("self",)).get(**which)
