"""One attempt at a step, from claim to outcome, with the lease renewed beside it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.db import Error, InterfaceError, OperationalError, close_old_connections, connection

from vods.steps import Abandoned, Hopeless, Job, Outcome, Work
from workers.ledger import claims
from workers.ledger.backoff import MAX_ATTEMPTS
from workers.ledger.claims import LEASE_SECONDS, Claim
from workers.ledger.workflows import Wake

log = structlog.get_logger(__name__)

RENEW_SECONDS = LEASE_SECONDS / 3

Send = Callable[[Wake], None]
"""Puts a message about a step into its queue; a lost one is sent again by the sweep."""


def _unknown(_job: Job) -> Outcome:
    raise LookupError("This worker knows no such work; one of another version may.")


UNKNOWN = Work(_unknown)


def run_step(step_id: UUID, *, works: Mapping[str, Work], send: Send) -> None:
    """Does the step if it is to be had; what follows from it is woken.

    Raises OperationalError and InterfaceError, when the database is away, and nothing else.
    """
    held = claims.claim(step_id=step_id)
    if held is None:
        return
    work = works.get(held.work, UNKNOWN)
    try:
        if held.attempt > MAX_ATTEMPTS:
            raise Hopeless("Each of its workers died, or lost the database, before it had ended.")
        with _lease(held) as lost:
            outcome = work.do(Job(held.subject, held.arguments, check=lambda: _check(lost)))
            _check(lost)
        woken = claims.complete(held, write=outcome.write, then=outcome.then)
    except Abandoned:
        log.warning("step.abandoned", step=str(held.step), work=held.work, subject=str(held.subject))
        return
    except (OperationalError, InterfaceError):
        raise  # there is nowhere to write it down: the lease runs out, and the sweep goes on
    except Exception as error:  # noqa: BLE001 - whatever it was, it belongs in the row
        _failed(held, work, error)
        return
    log.info("step.done", step=str(held.step), work=held.work, subject=str(held.subject), attempt=held.attempt)
    for wake in woken:
        send(wake)


def _failed(held: Claim, work: Work, error: Exception) -> None:
    final = isinstance(error, Hopeless)
    told = f"{type(error).__name__}: {error}" if not final else str(error)
    facts = {"step": str(held.step), "work": held.work, "subject": str(held.subject), "attempt": held.attempt}
    try:
        dead = claims.fail(
            held,
            error=told,
            jitter=random.random(),  # noqa: S311 - spreads retries, keeps no secret
            final=final,
            died=lambda text: work.died(held.subject, held.arguments, text),
        )
    except Abandoned:
        log.warning("step.abandoned", **facts)
        return
    if dead:
        log.error("step.dead", error=told, **facts)
    else:
        log.warning("step.failed", error=told, **facts, exc_info=error)


def _check(lost: threading.Event) -> None:
    if lost.is_set():
        raise Abandoned


@contextmanager
def _lease(held: Claim) -> Iterator[threading.Event]:
    """Renews the lease until the block ends; the event is set once it is lost."""
    ended, lost = threading.Event(), threading.Event()

    def keep() -> None:
        try:
            while not ended.wait(RENEW_SECONDS):
                try:
                    if not claims.renew(held):
                        lost.set()
                        return
                except Error as error:  # InterfaceError, of a cut connection, is no DatabaseError
                    log.warning("step.lease", step=str(held.step), error=str(error))
                    close_old_connections()
        finally:
            connection.close()  # this thread's own

    keeper = threading.Thread(target=keep, name="lease", daemon=True)
    keeper.start()
    try:
        yield lost
    finally:
        ended.set()
        keeper.join()
