"""A ledger to test with: works that write a row each, and a queue that a test empties by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import F, Value
from django.db.models.functions import Now

from streaming.models import Category
from vods.steps import Hopeless, Job, Outcome, StepSpec, Work
from workers.ledger import workflows
from workers.ledger.attempt import run_step
from workers.ledger.workflows import Wake
from workers.models import Step, StepState, Workflow


@dataclass
class Ledger:
    """`queue` holds the messages that were sent; a step named `x` writes a category `x` when it is done."""

    subject: UUID = field(default_factory=uuid4)
    queue: list[Wake] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    breaks: dict[str, Callable[[], None]] = field(default_factory=dict)
    then: dict[str, tuple[StepSpec, ...]] = field(default_factory=dict)

    def open(self, steps: Sequence[StepSpec], *, stays_open: bool = False) -> None:
        self.queue += workflows.open_workflow(kind="test", subject=self.subject, steps=steps, stays_open=stays_open)

    @property
    def works(self) -> Mapping[str, Work]:
        return {"write": Work(self._write, died=self._died)}

    def run(self, wake: Wake) -> None:
        run_step(wake.step, works=self.works, send=self.queue.append)

    def run_all(self) -> None:
        """Carries out messages until there is none."""
        while self.queue:
            self.run(self.queue.pop(0))

    def sweep(self) -> None:
        self.queue += workflows.wake(most=100)

    def states(self) -> dict[str, str]:
        return dict(Step.objects.filter(workflow__subject=self.subject).values_list("name", "state"))

    def step(self, name: str) -> Step:
        return Step.objects.get(workflow__subject=self.subject, name=name)

    @property
    def workflow(self) -> Workflow:
        return Workflow.objects.get(subject=self.subject)

    def written(self) -> list[str]:
        return list(Category.objects.filter(slug__startswith="step-").order_by("pk").values_list("name", flat=True))

    def _write(self, job: Job) -> Outcome:
        name = job.arguments["name"]
        self.begun.append(name)
        if name in self.breaks:
            self.breaks[name]()
        job.check()
        return Outcome(
            write=lambda: _category(name),
            then=self.then.get(name, ()),
        )

    def _died(self, subject: UUID, arguments: Mapping[str, Any], error: str) -> None:
        assert subject == self.subject
        self.dead.append(f"{arguments['name']}: {error}")


def _category(name: str) -> None:
    Category.objects.create(name=name, slug=f"step-{name}")


def spec(name: str, *needs: str) -> StepSpec:
    return StepSpec(name=name, work="write", arguments={"name": name}, needs=needs)


def hopeless() -> None:
    raise Hopeless("there is nothing")


def later(seconds: float) -> None:
    """Lets time pass for every step: what is due then is due now."""
    by = Value(timedelta(seconds=seconds))
    Step.objects.update(due_at=F("due_at") - by, wake_at=F("wake_at") - by)
    Step.objects.filter(state=StepState.RUNNING).update(lease_until=F("lease_until") - by)


def lease_left(step: Step) -> timedelta:
    left = Step.objects.filter(pk=step.pk).annotate(left=F("lease_until") - Now()).values_list("left", flat=True)
    found = left.get()
    assert isinstance(found, timedelta)
    return found


@pytest.fixture
def ledger(transactional_db: None) -> Ledger:
    return Ledger()
