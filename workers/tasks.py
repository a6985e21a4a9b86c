"""The Celery tasks: each calls one function. Live ones never touch PostgreSQL, and nobody waits for their results."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.conf import settings

from streaming.bus.errors import BusError
from streaming.on_air import bus, state
from workers.celery_worker import current_worker
from workers.errors import AttemptError
from workers.thumbnail import make_thumbnail
from workers.transcode import Order, transcode

log = structlog.get_logger(__name__)


@shared_task(name="workers.transcode_segment", acks_late=True, ignore_result=True)
def transcode_segment(broadcast: str, msn: int, token: str, renditions: list[str]) -> None:
    """One attempt at a segment. Who is refused or fails says so on the bus; there is nothing for Celery to retry."""
    try:
        transcode(Order(broadcast, msn, token, tuple(renditions)), current_worker().bench)
    except (AttemptError, BusError) as error:
        log.warning("segment.left", broadcast=broadcast, msn=msn, token=token, reason=str(error))


@shared_task(name="workers.picture", acks_late=True, ignore_result=True, expires=60)
def picture(broadcast: str) -> None:
    """A live broadcast's thumbnail."""
    make_thumbnail(bus(), state(), settings.FFMPEG, broadcast)
