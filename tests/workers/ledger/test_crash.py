"""A worker that dies at any line of the protocol: in effect every step happens once."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from django.db import connection

from streaming.models import Category
from tests.workers.ledger.conftest import Ledger, later, spec
from workers.ledger import attempt, claims, workflows
from workers.models import Workflow, WorkflowState

PROTOCOL = {module.__file__ for module in (attempt, claims, workflows)}


class Killed(BaseException):
    """What a kill -9 looks like from inside: nothing catches it."""


Line = tuple[str, int]
"""A function's name and a line number."""


class Tracer:
    """Counts how often this thread comes to each line of the protocol, and ends it before the n-th time at one."""

    def __init__(self, line: Line | None = None, time: int = 0) -> None:
        self.seen: Counter[Line] = Counter()
        self._fatal = (line, time)

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> Tracer | None:
        if frame.f_code.co_filename not in PROTOCOL:
            return None
        if event == "line":
            line = (frame.f_code.co_name, frame.f_lineno)
            self.seen[line] += 1
            if (line, self.seen[line]) == self._fatal:
                raise Killed
        return self


def run_traced(ledger: Ledger, tracer: Tracer) -> None:
    tracing = sys.gettrace()  # coverage and debuggers trace too
    sys.settrace(tracer)
    try:
        ledger.run_all()
    except Killed:
        connection.close()  # a dead client's transaction is rolled back
    finally:
        sys.settrace(tracing)


def opened() -> Ledger:
    ledger = Ledger(then={"seal": (spec("mp4"),)})
    ledger.open([spec("seal"), spec("end", "seal")])
    return ledger


@pytest.fixture
def survivors(transactional_db: None) -> Iterator[None]:
    """Waits for the threads that outlive a worker killed this way: each ends when it finds its lease lost."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join()


@pytest.mark.timeout(300)
def test_killed_at_any_line_each_step_happens_once(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, survivors: None
) -> None:
    monkeypatch.setattr(attempt, "RENEW_SECONDS", 0.5)
    clean = Tracer()
    run_traced(opened(), clean)
    assert len(clean.seen) > 80
    for index, (line, times) in enumerate(clean.seen.items()):
        Workflow.objects.all().delete()
        Category.objects.all().delete()
        ledger = opened()
        run_traced(ledger, Tracer(line, index % times + 1))
        ledger.queue.clear()  # what it would have sent is lost
        while ledger.workflow.state == WorkflowState.RUNNING:
            later(400)
            ledger.sweep()
            assert ledger.queue, line
            ledger.run_all()
        assert sorted(ledger.written()) == ["end", "mp4", "seal"], line
        assert ledger.dead == []
