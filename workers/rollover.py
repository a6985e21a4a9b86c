"""A host's workers restarted one after the other, so that their devices are never away together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

from workers.process import WorkerProcess

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 90.0
"""What a worker may take to drain, end, and be there again, before the next one is restarted all the same."""
POLL_SECONDS = 0.2

Instance = Callable[[], str | None]
"""Names the process that offers a device at the moment; None while nobody does, and where there is no device."""


def roll_over(processes: Sequence[tuple[WorkerProcess, Instance]], stop: threading.Event) -> None:
    """Restarts each process, and goes on to the next when its device is offered anew; ends early when `stop` is set.

    A process without a device is not waited for.
    """
    for process, instance in processes:
        if stop.is_set():
            return
        before = instance()
        process.restart()
        if before is None:
            continue
        waited = 0.0
        while instance() in (None, before) and waited < PATIENCE_SECONDS and not stop.wait(POLL_SECONDS):
            waited += POLL_SECONDS
    log.info("workers.rolled_over", processes=len(processes))
