"""The Celery tasks: each calls one function. Live ones never touch PostgreSQL, and nobody waits for their results."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import shared_task
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from streaming.bus.errors import BusError, BusRefusal
from streaming.cmaf.errors import CmafError
from streaming.ffmpeg.errors import FfmpegError
from streaming.on_air import bus, state
from vods.wanted import WorkflowKind, want
from vods.work.keeping import keeping_of
from vods.workflows import WORKS
from workers.celery_worker import current_worker
from workers.errors import AttemptError, AttemptRefused, EncoderFailed
from workers.fill import WORK as FILL
from workers.ledger import attempt
from workers.ledger.workflows import Wake
from workers.metrics import SEGMENTS
from workers.thumbnail import make_thumbnail
from workers.transcode import Order, transcode

log = structlog.get_logger(__name__)


@shared_task(name="workers.transcode_segment", acks_late=True, ignore_result=True)
def transcode_segment(broadcast: str, msn: int, token: str, renditions: list[str]) -> None:
    """One attempt at a segment. Who is refused or fails says so on the bus; there is nothing for Celery to retry."""
    try:
        transcode(Order(broadcast, msn, token, tuple(renditions)), current_worker().bench)
        SEGMENTS.labels("done").inc()
    except (AttemptError, BusError) as error:
        log.warning("segment.left", broadcast=broadcast, msn=msn, token=token, reason=str(error))
        SEGMENTS.labels("refused" if isinstance(error, AttemptRefused | BusRefusal) else "failed").inc()
        if isinstance(error, EncoderFailed):
            current_worker().suspect()


@shared_task(name="workers.picture", acks_late=True, ignore_result=True, expires=60)
def picture(broadcast: str) -> None:
    """A live broadcast's thumbnail. What fails is made anew with the next one, soon enough."""
    try:
        make_thumbnail(bus(), state(), settings.FFMPEG, broadcast)
    except (BusError, CmafError, FfmpegError) as error:
        log.warning("picture.left", broadcast=broadcast, reason=str(error))


@shared_task(name="workers.begin_day", acks_late=True, ignore_result=True)
def begin_day() -> None:
    """The day's work on VODs, which beat asks for."""
    want(WorkflowKind.KEEPING, keeping_of(timezone.now().date()))


@shared_task(name="workers.run_step", acks_late=True, ignore_result=True)
def run_step(step: str) -> None:
    """A wake-up: somebody may do this step of the ledger, if it is still to be done."""
    try:
        attempt.run_step(UUID(step), works={**WORKS, **FILL}, send=send_step)
    except (OperationalError, InterfaceError) as error:
        log.warning("step.database", step=step, error=str(error))  # the sweep wakes it again


def send_step(wake: Wake) -> None:
    """Puts a wake-up into its queue. A lost one is sent again by the sweep, so there is nothing to retry."""
    try:
        run_step.apply_async((str(wake.step),), queue=wake.lane, retry=False)
    except (KombuError, RedisError, OSError) as error:
        log.warning("broker.lost", task=run_step.name, error=str(error))
