"""The worker process as Celery runs it: told by its queue which device it is, it pins itself, leases and drains."""

from __future__ import annotations

import warnings
from typing import Any

from celery import signals
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]
from django.conf import settings

from streaming import metrics
from streaming.garbage import keep_what_is_loaded
from vods.steps import Lane
from workers.devices import UnknownDevice, device_of_queue
from workers.metrics import ENCODERS
from workers.worker import Worker

# Celery warns root of pickled messages, of which it accepts none here.
warnings.filterwarnings("ignore", category=SecurityWarning)

_worker: Worker | None = None


def current_worker() -> Worker:
    """This process's worker. Raises RuntimeError in a process that consumes no device's queue."""
    if _worker is None:
        raise RuntimeError("this process has no device: it consumes no transcode.<host>.<device> queue")
    return _worker


@signals.celeryd_after_setup.connect
def _set_up(instance: Any, **_: Any) -> None:
    """Before any thread is there, for affinity is inherited; and before the first task."""
    global _worker
    queues = list(instance.app.amqp.queues.consume_from)
    # SystemExit: Celery logs what else a handler raises, and would go on as a worker without a device.
    try:
        found = [device for queue in queues if (device := device_of_queue(settings.HOST_NAME, queue)) is not None]
        for device in found:
            device.check()
    except UnknownDevice as error:
        raise SystemExit(str(error)) from error
    # The worker of slow steps forks: what is told is its parent's, which does none of them.
    metrics.serve("device" if found else next((lane.value for lane in Lane if lane in queues), "durable"))
    if len(found) > 1:
        raise SystemExit(f"One process encodes on one device, not on {', '.join(each.name for each in found)}.")
    for device in found:
        device.pin()
        _worker = Worker(
            device,
            bus_url=settings.BUS_URL,
            ffmpeg=settings.FFMPEG,
            threads=instance.concurrency,
            capacity=settings.DEVICE_CAPACITY,
        )


@signals.beat_init.connect
def _serve_beat(**_: Any) -> None:
    metrics.serve("beat")


@signals.worker_ready.connect
def _offer(**_: Any) -> None:
    keep_what_is_loaded()
    if _worker is not None:
        _worker.start()
        ENCODERS.set_function(lambda: len(_worker.bench.warm.encoders) if _worker is not None else 0)


@signals.worker_shutting_down.connect
def _drain(**_: Any) -> None:
    if _worker is not None:
        _worker.drain()


@signals.worker_shutdown.connect
def _stop(**_: Any) -> None:
    if _worker is not None:
        _worker.stop()
