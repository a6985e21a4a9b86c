"""`manage.py workers`: one Celery worker per device of this host, and two for durable work, prompt and slow."""

from __future__ import annotations

import signal
import threading
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from streaming.bus import devices as leases
from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey
from vods.steps import Lane
from workers.devices import DeclaredDevice, UnknownDevice, declared_devices
from workers.process import WorkerProcess
from workers.rollover import Instance, roll_over

DURABLE_PROCESSES = 2
DURABLE_NICENESS = 10
"""Encoders of live broadcasts come first where a VOD's are at work too."""
PROMPT_THREADS = 4

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = (
        "Starts one worker process per device that DEVICES names, and two for durable work; restarts what dies. "
        "SIGHUP restarts them all, one after the other."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            devices = declared_devices(settings.HOST_NAME, settings.DEVICES)
            environments = [device.environment() for device in devices]
        except UnknownDevice as error:
            raise CommandError(str(error)) from error
        stop, told, hung_up = threading.Event(), threading.Event(), threading.Event()
        bus = Valkey(settings.BUS_URL, connections=1, readers=1)
        processes: list[tuple[WorkerProcess, Instance]] = [
            *(
                (
                    WorkerProcess(
                        transcoding(device), stop, ended=partial(take_back, bus, device.name), environment=environment
                    ),
                    partial(holder, bus, device.name),
                )
                for device, environment in zip(devices, environments, strict=True)
            ),
            (WorkerProcess(prompt(), stop), lambda: None),
            (WorkerProcess(durable(), stop, niceness=DURABLE_NICENESS), lambda: None),
        ]
        for number, event in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, hung_up)):
            signal.signal(number, partial(_tell, event, told))
        for process, _ in processes:
            process.start()
        while not stop.is_set():
            told.wait()
            told.clear()
            if hung_up.is_set():
                hung_up.clear()
                roll_over(processes, stop)
        for process, _ in processes:
            process.terminate()
        for process, _ in processes:
            process.join()


def _tell(event: threading.Event, told: threading.Event, *_: Any) -> None:
    event.set()
    told.set()


def holder(bus: Valkey, device: str) -> str | None:
    """The instance that offers a device, None while none does."""
    try:
        found = bus.run(leases.alive()).get(device)
    except BusError:
        return None
    return found.instance if found is not None and found.slots else None


def take_back(bus: Valkey, device: str) -> None:
    """Ends the lease of a worker process that died: its broadcasts need not wait until it runs out."""
    try:
        bus.run(leases.forget(device))
    except BusError as error:
        log.warning("device.lease", device=device, error=str(error))


def transcoding(device: DeclaredDevice) -> list[str]:
    """A device's worker: a pool of threads, which mostly wait for media, and warm encoders that they share."""
    return [
        *("worker", "--pool", "threads", "--concurrency", str(device.threads), "--queues", device.queue),
        *("--hostname", f"{device.declared}@{settings.HOST_NAME}", "--prefetch-multiplier", "1"),
        *("--without-gossip", "--without-mingle", "--loglevel", settings.LOG_LEVEL),
    ]


def prompt() -> list[str]:
    """The worker of durable steps and thumbnails that take moments: its threads mostly wait for storage."""
    return [
        *("worker", "--pool", "threads", "--concurrency", str(PROMPT_THREADS), "--queues", Lane.PROMPT.value),
        *("--hostname", f"prompt@{settings.HOST_NAME}", "--prefetch-multiplier", "1", "--task-events"),
        *("--without-gossip", "--without-mingle", "--loglevel", settings.LOG_LEVEL),
    ]


def durable() -> list[str]:
    """The worker of whatever must not be lost: its tasks send events, for Flower."""
    return [
        *("worker", "--concurrency", str(DURABLE_PROCESSES), "--queues", Lane.SLOW.value),
        *("--hostname", f"durable@{settings.HOST_NAME}", "--task-events", "--without-gossip", "--without-mingle"),
        *("--loglevel", settings.LOG_LEVEL),
    ]
