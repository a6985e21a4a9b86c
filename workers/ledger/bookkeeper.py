"""The dispatcher's part in durable work, on a thread of its own: it starts workflows and wakes steps.

It hears of what is to be done by the bus's events, and looks for it in the database every few seconds: events may be
lost. Everything it does may be done twice, so two dispatchers may run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import structlog
from django.db import Error, InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from streaming.bus import events, reading
from streaming.bus.archive import leading
from streaming.bus.errors import BusError
from streaming.bus.layout import Call
from streaming.bus.redis import Valkey
from vods import archiving
from vods.recording import RUN
from vods.steps import StepSpec
from vods.wanted import WorkflowKind
from vods.workflows import AGAIN, ENDS, FIRST_STEPS, asked_for
from workers.ledger.attempt import Send
from workers.ledger.workflows import cancel_of, open_workflow, prune, wake
from workers.models import Workflow

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5.0
BLOCK_MS = 250
WAKES_AT_ONCE = 500
RETRY_SECONDS = 0.5


class Bookkeeper(threading.Thread):
    """Works until `stop` is set. A bus or a database that is away is waited for."""

    def __init__(
        self, bus: Valkey, *, send: Send, stop: threading.Event, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(name="bookkeeper", daemon=True)
        self._bus = bus
        self._send = send
        self._stop_event = stop
        self._clock = clock
        self._after = b""
        self._swept_at = -SWEEP_SECONDS
        self._planned: dict[str, int] = {}
        """The first MSN of each broadcast for which no archive step was asked yet."""

    def run(self) -> None:
        while not self._stop_event.is_set():
            try:
                self.step()
            except (BusError, Error) as error:
                log.warning("bookkeeper.failed", error=str(error))
                self._after = b""
                close_old_connections()
                self._stop_event.wait(RETRY_SECONDS)
            except Exception:
                log.exception("bookkeeper.failed")
                self._stop_event.wait(RETRY_SECONDS)

    def step(self) -> None:
        """Waits a moment for events, does what they ask for, sweeps if it is time. Raises BusError, django.db.Error."""
        if not self._after:
            self._after = self._bus.run(events.newest_id())
        if self._clock() - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = self._clock()
            self.sweep()
            close_old_connections()
        for entry, event in self._bus.run(events.read_events(self._after, block_ms=BLOCK_MS)):
            # Whatever becomes of it: the sweep looks for what an event asks for, too.
            self._after = entry
            if event is not None:
                self.heard(event)

    def heard(self, event: events.Event) -> None:
        """Does what an event asks for. Raises BusError, django.db.Error."""
        match event:
            case events.BroadcastHasEnded():
                self._ended(event.broadcast)
            case events.SegmentOpened() if event.msn % RUN == archiving.LAG:
                self._archive(event.broadcast, event.msn)
            case events.WorkWanted():
                # Another version may know kinds that this one doesn't.
                with suppress(ValueError):
                    self._open(WorkflowKind(event.workflow), UUID(event.subject))
            case _:
                pass

    def sweep(self) -> None:
        """Wakes what is due, and finds what no event told of. Raises BusError, django.db.Error."""
        self._wake()
        prune()
        self._look(list(self._bus.run(reading.leases())))
        for broadcast in list(archiving.overlooked(now=timezone.now())):
            with _apart(broadcast):
                self._ended(str(broadcast))
        wanted = list(asked_for(now=timezone.now()))
        subjects = [subject for _, subject in wanted]
        known = set(Workflow.objects.filter(subject__in=subjects, open=False).values_list("kind", "subject"))
        for kind, subject in wanted:
            if (kind.value, subject) not in known or kind in AGAIN:
                with _apart(subject):
                    self._open(kind, subject)

    def _look(self, live: Sequence[str]) -> None:
        """Asks for what is over of every live broadcast; one round trip to the bus for all."""
        for gone in self._planned.keys() - set(live):
            del self._planned[gone]
        calls: list[Call[Any]] = []
        for broadcast in live:
            calls += [reading.description(broadcast), reading.progress(broadcast)]
        replies = self._bus.run_all(calls)
        for broadcast, description, progress in zip(live, replies[::2], replies[1::2], strict=True):
            newest = progress.get(leading(description)) if description and description.renditions else None
            if newest is not None:
                with _apart(broadcast):
                    self._archive(broadcast, newest.msn)

    def _archive(self, broadcast: str, newest_msn: int) -> None:
        planned = self._planned.get(broadcast)
        steps = archiving.due_runs(newest_msn=newest_msn, since=planned or 0)
        if planned is not None and not steps:
            return
        vod = archiving.begin(broadcast_id=UUID(broadcast))
        if vod is not None:
            self._start(WorkflowKind.VOD, vod.pk, steps, stays_open=True)
        self._planned[broadcast] = max(0, newest_msn - archiving.LAG) // RUN * RUN

    def _ended(self, broadcast: str) -> None:
        self._planned.pop(broadcast, None)
        vod = archiving.ended(broadcast_id=UUID(broadcast))
        if vod is not None:
            self._open(WorkflowKind.VOD, vod.pk)

    def _open(self, kind: WorkflowKind, subject: UUID) -> None:
        for ended in ENDS.get(kind, ()):
            cancel_of(kind=ended.value, subject=subject)
        self._start(kind, subject, FIRST_STEPS[kind](subject), stays_open=False)

    def _start(self, kind: WorkflowKind, subject: UUID, steps: Sequence[StepSpec], *, stays_open: bool) -> None:
        for woken in open_workflow(kind=kind.value, subject=subject, steps=steps, stays_open=stays_open):
            self._send(woken)

    def _wake(self) -> None:
        for woken in wake(most=WAKES_AT_ONCE):
            self._send(woken)


@contextmanager
def _apart(subject: object) -> Iterator[None]:
    """One broadcast's or one row's trouble must not keep back the durable work of all others.

    Raises BusError, OperationalError, InterfaceError: what is away is away for all.
    """
    try:
        yield
    except (BusError, OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("bookkeeper.subject", subject=str(subject))
