"""Steps in their order, failures and what the house decides."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from tests.workers.ledger.conftest import Ledger, hopeless, later, lease_left, spec
from vods.steps import Abandoned
from workers.ledger import claims, workflows
from workers.ledger.backoff import MAX_ATTEMPTS
from workers.models import Step, StepState, Workflow, WorkflowState


def fails() -> None:
    raise RuntimeError("storage is away")


def test_a_step_begins_when_all_it_needs_is_done(ledger: Ledger) -> None:
    ledger.open([spec("seal"), spec("mp4", "seal"), spec("audio", "seal"), spec("tell", "mp4", "audio")])
    assert [wake.step for wake in ledger.queue] == [ledger.step("seal").pk]
    ledger.run_all()
    assert ledger.begun == ["seal", "mp4", "audio", "tell"]
    assert ledger.written() == ["seal", "mp4", "audio", "tell"]
    assert ledger.workflow.state == WorkflowState.DONE


def test_a_delay_begins_when_nothing_keeps_the_step_any_more(ledger: Ledger) -> None:
    ledger.open([spec("remove"), replace(spec("vanish", "remove"), delay=120.0)])
    ledger.run_all()
    ledger.sweep()
    assert (ledger.queue, ledger.states()) == ([], {"remove": "done", "vanish": "waiting"})
    done = ledger.step("remove").finished_at
    assert done is not None
    assert ledger.step("vanish").due_at >= done + timedelta(seconds=120)


def test_opening_twice_changes_nothing(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.open([spec("seal"), spec("mp4", "seal")])
    ledger.run_all()
    ledger.open([spec("seal"), spec("mp4", "seal")])
    assert ledger.queue == []
    assert ledger.written() == ["seal", "mp4"]
    assert ledger.workflow.state == WorkflowState.DONE


def test_a_workflow_stays_open_for_steps_to_come(ledger: Ledger) -> None:
    ledger.open([spec("run-0")], stays_open=True)
    ledger.run_all()
    assert ledger.workflow.state == WorkflowState.RUNNING
    ledger.open([spec("run-1"), spec("seal", "run-0", "run-1")])
    ledger.run_all()
    assert ledger.written() == ["run-0", "run-1", "seal"]
    assert ledger.workflow.state == WorkflowState.DONE


def test_a_step_may_show_that_others_are_needed(ledger: Ledger) -> None:
    ledger.then = {"seal": (spec("mp4-0"), spec("mp4-1"), spec("tell", "mp4-0", "mp4-1"))}
    ledger.open([spec("seal")])
    ledger.run_all()
    assert ledger.written() == ["seal", "mp4-0", "mp4-1", "tell"]


def test_lost_and_doubled_messages_change_nothing(ledger: Ledger) -> None:
    ledger.open([spec("seal"), spec("mp4", "seal")])
    doubled = ledger.queue[0]
    ledger.queue.clear()
    ledger.sweep()
    assert ledger.queue == []  # it may still be on its way
    later(6)
    ledger.sweep()
    ledger.sweep()
    assert len(ledger.queue) == 1
    ledger.queue += [doubled, doubled]
    ledger.run_all()
    assert ledger.begun == ["seal", "mp4"]


def test_a_failed_step_waits_and_says_why(ledger: Ledger) -> None:
    ledger.breaks = {"seal": fails}
    ledger.open([spec("seal"), spec("mp4", "seal")])
    wake = ledger.queue[0]
    ledger.run_all()
    step = ledger.step("seal")
    assert (step.state, step.attempts, step.last_error) == (StepState.WAITING, 1, "RuntimeError: storage is away")
    ledger.run(wake)
    assert ledger.begun == ["seal"]  # it isn't due
    ledger.breaks = {}
    later(2)
    ledger.sweep()
    ledger.run_all()
    assert ledger.written() == ["seal", "mp4"]
    assert ledger.step("seal").last_error == ""


def test_work_of_another_version_waits_for_a_worker_that_knows_it(ledger: Ledger) -> None:
    ledger.open([replace(spec("seal"), work="unheard of")])
    ledger.run_all()
    step = ledger.step("seal")
    assert step.state == StepState.WAITING
    assert "another version" in step.last_error


def test_a_step_that_fails_too_often_is_dead_until_the_house_decides(ledger: Ledger) -> None:
    ledger.breaks = {"seal": fails}
    ledger.open([spec("seal"), spec("mp4", "seal")])
    for _ in range(MAX_ATTEMPTS + 3):
        ledger.run_all()
        later(1_000)
        ledger.sweep()
    assert len(ledger.begun) == MAX_ATTEMPTS
    assert ledger.dead == ["seal: RuntimeError: storage is away"]
    assert ledger.states() == {"seal": StepState.DEAD, "mp4": StepState.BLOCKED}
    assert ledger.workflow.state == WorkflowState.RUNNING
    ledger.breaks = {}
    assert workflows.retry(step_id=ledger.step("seal").pk)
    ledger.sweep()
    ledger.run_all()
    assert ledger.workflow.state == WorkflowState.DONE


def test_what_is_hopeless_is_not_tried_again_and_may_be_skipped(ledger: Ledger) -> None:
    ledger.breaks = {"seal": hopeless}
    ledger.open([spec("seal"), spec("mp4", "seal")])
    ledger.run_all()
    assert ledger.dead == ["seal: there is nothing"]
    assert workflows.skip(step_id=ledger.step("seal").pk)
    assert not workflows.skip(step_id=ledger.step("seal").pk)
    ledger.sweep()
    ledger.run_all()
    assert ledger.written() == ["mp4"]
    assert ledger.workflow.state == WorkflowState.DONE


def test_a_worker_that_dies_loses_its_lease(ledger: Ledger) -> None:
    ledger.open([spec("seal")])
    wake = ledger.queue.pop()
    first = claims.claim(step_id=wake.step)
    assert first is not None
    assert claims.claim(step_id=wake.step) is None
    later(31)
    ledger.sweep()
    ledger.run_all()
    assert ledger.written() == ["seal"]
    with pytest.raises(Abandoned):
        claims.complete(first, write=lambda: pytest.fail("it wrote all the same"), then=())
    assert not claims.renew(first)


def test_a_step_that_kills_its_workers_dies_too(ledger: Ledger) -> None:
    ledger.open([spec("seal")])
    ledger.queue.clear()
    pk = ledger.step("seal").pk
    for _ in range(MAX_ATTEMPTS):
        assert claims.claim(step_id=pk) is not None
        later(31)
    ledger.sweep()
    ledger.run_all()
    assert ledger.begun == []
    assert ledger.states() == {"seal": StepState.DEAD}
    assert "died" in ledger.dead[0]


def test_a_lease_is_renewed_only_by_who_holds_it(ledger: Ledger) -> None:
    ledger.open([spec("seal")])
    held = claims.claim(step_id=ledger.queue.pop().step)
    assert held is not None
    later(20)
    assert claims.renew(held)
    assert lease_left(ledger.step("seal")).total_seconds() > 25


def test_cancelled_work_does_not_begin_and_what_runs_writes_nothing(ledger: Ledger) -> None:
    ledger.open([spec("seal"), spec("mp4", "seal")])
    ledger.breaks = {"seal": lambda: cancel(ledger.workflow)}
    ledger.run_all()
    assert ledger.written() == []
    assert set(ledger.states().values()) == {StepState.CANCELLED}
    ledger.open([spec("other")])
    assert ledger.queue == []


def cancel(workflow: Workflow) -> None:
    assert workflows.cancel(workflow_id=workflow.pk)


def test_steps_that_end_at_once_let_go_what_needs_both(ledger: Ledger) -> None:
    ledger.open([spec("a"), spec("b"), spec("both", "a", "b")])
    barrier = threading.Barrier(2)
    ledger.breaks = dict.fromkeys(("a", "b"), lambda: _meet(barrier))
    threads = [threading.Thread(target=_run, args=(ledger, wake)) for wake in ledger.queue]
    ledger.queue.clear()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.run_all()
    assert sorted(ledger.written()) == ["a", "b", "both"]


def test_of_many_workers_one_has_a_step(ledger: Ledger) -> None:
    ledger.open([spec("seal")])
    wake = ledger.queue.pop()
    barrier = threading.Barrier(8)
    claimed = []

    def take() -> None:
        barrier.wait(10)
        claimed.append(claims.claim(step_id=wake.step))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in claimed) == 1
    assert ledger.step("seal").attempts == 1


def test_what_ended_long_ago_is_forgotten(ledger: Ledger) -> None:
    ledger.open([spec("seal")])
    ledger.run_all()
    assert workflows.prune() == 0
    Workflow.objects.update(finished_at="2020-01-01T00:00Z")
    assert workflows.prune() == 1
    assert not Step.objects.exists()


def _run(ledger: Ledger, wake: workflows.Wake) -> None:
    ledger.run(wake)
    connection.close()


def _meet(barrier: threading.Barrier) -> None:
    barrier.wait(10)
