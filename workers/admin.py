"""The step ledger in the admin: what is to be done, what failed and why, and what the house decides about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince

from streaming.admin.readonly import ReadOnlyAdmin
from workers.ledger import workflows
from workers.models import Step, Workflow


class LedgerAdmin(ReadOnlyAdmin):
    """Rows are the ledger's; staff who may change them act on them by actions."""

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("workers.change_step")


@admin.register(Workflow)
class WorkflowAdmin(LedgerAdmin):
    """Everything durable that was asked for."""

    list_display = ("kind", "subject", "state", "finished_of_all", "dead", "created_at", "finished_at")
    list_filter = ("state", "kind", "created_at")
    search_fields = ("id", "subject")
    date_hierarchy = "created_at"
    actions = ("cancel_workflow",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:  # noqa: ARG002
        return Workflow.objects.with_counts()

    @admin.display(description="steps")
    def finished_of_all(self, workflow: Workflow) -> str:
        return f"{workflow.steps_finished} of {workflow.steps_in_all}"  # type: ignore[attr-defined]

    @admin.display(description="dead", ordering="steps_dead")
    def dead(self, workflow: Workflow) -> int:
        dead: int = workflow.steps_dead  # type: ignore[attr-defined]
        return dead

    @admin.action(description="Cancel", permissions=["act"])
    def cancel_workflow(self, request: HttpRequest, chosen: QuerySet[Workflow]) -> None:
        cancelled = sum(workflows.cancel(workflow_id=pk) for pk in chosen.values_list("pk", flat=True))
        self.message_user(request, f"Cancelled {cancelled}.", messages.SUCCESS if cancelled else messages.WARNING)


@admin.register(Step)
class StepAdmin(LedgerAdmin):
    """Every step; dead ones say why. What is retried or skipped is woken by the dispatcher within seconds."""

    list_display = ("name", "of", "state", "attempts", "age", "due_at", "took", "error")
    list_filter = ("state", "work", "lane", "workflow__kind", "created_at")
    list_select_related = ("workflow",)
    search_fields = ("id", "name", "workflow__subject", "last_error")
    fields = (
        *("id", "workflow", "name", "work", "arguments", "lane", "state", "attempts", "last_error"),
        *("created_at", "due_at", "started_at", "finished_at", "lease_until"),
    )
    actions = ("retry", "skip")
    ordering = ("-created_at",)
    show_full_result_count = False

    @admin.display(description="workflow")
    def of(self, step: Step) -> str:
        return str(step.workflow)

    @admin.display(description="age", ordering="created_at")
    def age(self, step: Step) -> str:
        return timesince(step.created_at, timezone.now())

    @admin.display(description="last attempt took")
    def took(self, step: Step) -> timedelta | None:
        return step.took

    @admin.display(description="last error")
    def error(self, step: Step) -> str:
        return step.last_error[-200:]

    @admin.action(description="Retry", permissions=["act"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Step]) -> None:
        """Give dead steps another try at once."""
        self._each(request, chosen, lambda pk: workflows.retry(step_id=pk), "retried")

    @admin.action(description="Skip", permissions=["act"])
    def skip(self, request: HttpRequest, chosen: QuerySet[Step]) -> None:
        """Go on as if they were done."""
        self._each(request, chosen, lambda pk: workflows.skip(step_id=pk), "skipped")

    def _each(self, request: HttpRequest, chosen: QuerySet[Step], act: Callable[[UUID], bool], done: str) -> None:
        acted = sum(act(pk) for pk in chosen.values_list("pk", flat=True))
        self.message_user(request, f"{acted} {done}.", messages.SUCCESS if acted else messages.WARNING)
