"""What the house sees of durable work, and decides."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.workers.ledger.conftest import Ledger, hopeless, spec
from workers.models import StepState, WorkflowState


@pytest.fixture
def boss(client: Client, ledger: Ledger) -> Client:
    client.force_login(User.objects.create_superuser("bossy"))
    return client


@pytest.fixture
def dead(ledger: Ledger) -> Ledger:
    """One step is dead, the next is blocked by it."""
    ledger.breaks = {"seal": hopeless}
    ledger.open([spec("seal"), spec("mp4", "seal")])
    ledger.run_all()
    return ledger


def act(boss: Client, model: str, action: str, pk: object) -> str:
    answer = boss.post(f"/admin/workers/{model}/", {"action": action, "_selected_action": [str(pk)]}, follow=True)
    return answer.content.decode()


def test_dead_steps_are_listed_with_their_error(boss: Client, dead: Ledger) -> None:
    page = boss.get("/admin/workers/step/?state=dead").content.decode()
    assert "there is nothing" in page
    assert "mp4" not in page
    assert "0 of 2" in boss.get(f"/admin/workers/workflow/?q={dead.subject}").content.decode()
    assert boss.get(f"/admin/workers/step/{dead.step('seal').pk}/change/").status_code == 200


def test_a_dead_step_is_retried(boss: Client, dead: Ledger) -> None:
    assert "1 retried" in act(boss, "step", "retry", dead.step("seal").pk)
    dead.breaks = {}
    dead.sweep()
    dead.run_all()
    assert dead.workflow.state == WorkflowState.DONE


def test_a_dead_step_is_skipped(boss: Client, dead: Ledger) -> None:
    assert "1 skipped" in act(boss, "step", "skip", dead.step("seal").pk)
    assert dead.states() == {"seal": StepState.SKIPPED, "mp4": StepState.WAITING}


def test_a_workflow_is_cancelled(boss: Client, dead: Ledger) -> None:
    assert "Cancelled 1" in act(boss, "workflow", "cancel_workflow", dead.workflow.pk)
    assert set(dead.states().values()) == {StepState.CANCELLED}


def test_who_may_only_look_decides_nothing(client: Client, dead: Ledger) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_step"))
    client.force_login(looker)
    act(client, "step", "retry", dead.step("seal").pk)
    assert dead.states()["seal"] == StepState.DEAD
