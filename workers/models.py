"""The step ledger: durable work that is to be done, is being done, and was done.

The row is the truth; a Celery message is only a wake-up, and may be lost, doubled or late. All times are those of
PostgreSQL's clock.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

MAX_ERROR = 4_000


class WorkflowState(models.TextChoices):
    """Running until every step is done or skipped; a dead step keeps it there until somebody decides."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class StepState(models.TextChoices):
    """Blocked (on others) -> waiting (for a worker, until `due_at`) -> running -> done.

    A failed attempt makes it wait again, and the last one dead. The house may retry, skip or cancel one.
    """

    BLOCKED = "blocked"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


FINISHED = (StepState.DONE, StepState.SKIPPED)
"""Steps that need one of these go on."""
SETTLED = (*FINISHED, StepState.CANCELLED)
"""Nothing more becomes of these."""


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    """Reads of workflows."""

    def with_counts(self) -> WorkflowQuerySet:
        """With `steps_in_all`, `steps_finished` and `steps_dead`."""
        counted: dict[str, Any] = {
            "steps_in_all": Count("steps"),
            "steps_finished": Count("steps", filter=Q(steps__state__in=FINISHED)),
            "steps_dead": Count("steps", filter=Q(steps__state=StepState.DEAD)),
        }
        return self.annotate(**counted)


class Workflow(models.Model):
    """All that is to be done about a subject; there is one of a kind for each. More steps may come while `open`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=30, editable=False)
    subject = models.UUIDField(editable=False)
    state = models.CharField(max_length=9, choices=WorkflowState, default=WorkflowState.RUNNING, editable=False)
    open = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = WorkflowQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "finished_at"], name="workflow_by_state")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], name="workflow_unique"),
            models.CheckConstraint(
                condition=Q(state=WorkflowState.RUNNING, finished_at=None)
                | (~Q(state=WorkflowState.RUNNING) & Q(finished_at__isnull=False)),
                name="workflow_finished_at_iff_not_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}"


class StepQuerySet(models.QuerySet["Step"]):
    """Reads of steps."""

    def claimable(self) -> StepQuerySet:
        """What a worker may take: due, or left behind by a worker whose lease has run out.

        The conditions are on the step's own row alone: PostgreSQL checks them again on the row as it is after having
        waited for a rival's update, which it would not do with what a subquery has seen.
        """
        return self.filter(
            Q(state=StepState.WAITING, due_at__lte=Now()) | Q(state=StepState.RUNNING, lease_until__lt=Now())
        )

    def to_wake(self) -> StepQuerySet:
        """Claimable ones whose last message is so old that it may be lost; the first due first."""
        return self.claimable().filter(wake_at__lte=Now()).order_by("due_at")

    def unsettled(self) -> StepQuerySet:
        return self.exclude(state__in=SETTLED)


class Step(models.Model):
    """One piece of work. `token` names the attempt that has it, until `lease_until`; each claim gives another.

    `delay` passes between the moment when nothing keeps it any more and its first attempt. `due_at` is when it may be
    claimed, `wake_at` when the next message about it goes out, and `wakes` how many did since it fell due.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=60, editable=False)
    work = models.CharField(max_length=30, editable=False)
    arguments = models.JSONField(default=dict, editable=False)
    lane = models.CharField(max_length=20, editable=False)
    needs: models.ManyToManyField[Step, Any] = models.ManyToManyField(
        "self", symmetrical=False, related_name="needed_by", editable=False
    )
    state = models.CharField(max_length=9, choices=StepState, default=StepState.WAITING, editable=False)
    delay = models.DurationField(default=timedelta, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    wake_at = models.DateTimeField(db_default=Now(), editable=False)
    wakes = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(max_length=MAX_ERROR, blank=True, editable=False)

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["workflow", "state"], name="step_of_workflow"),
            models.Index(
                fields=["wake_at"], condition=Q(state__in=[StepState.WAITING, StepState.RUNNING]), name="step_to_wake"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "name"], name="step_unique"),
            models.CheckConstraint(condition=Q(state__in=StepState.values), name="step_state_known"),
            models.CheckConstraint(
                condition=Q(state=StepState.RUNNING, token__isnull=False, lease_until__isnull=False)
                | (~Q(state=StepState.RUNNING) & Q(token=None, lease_until=None)),
                name="step_leased_iff_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.workflow_id}"

    @property
    def took(self) -> timedelta | None:
        """How long its last attempt took."""
        return self.finished_at - self.started_at if self.finished_at and self.started_at else None
