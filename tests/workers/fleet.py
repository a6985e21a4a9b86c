"""Real worker processes and a real dispatcher, on the test session's engines."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from celery import current_app
from django.conf import settings

from streaming.bus import devices
from streaming.bus.redis import Valkey
from workers.dispatcher.letters import Broker, order_letter, picture_letter
from workers.dispatcher.loop import Dispatcher

Found = TypeVar("Found")


@contextmanager
def worker(bus: Valkey, declared: str, *, ahead: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process for one device; entered when the device is offered. Its clock is `ahead` by so many seconds."""
    name = f"{settings.HOST_NAME}.{declared}"
    arguments = [
        *("--app", "config", "worker", "--pool", "threads", "--concurrency", "8", "--queues", f"transcode.{name}"),
        *("--hostname", f"{declared}@test", "--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    celery = ("tests.workers.celery_ahead", str(ahead)) if ahead else ("celery",)
    with subprocess.Popen([sys.executable, "-m", *celery, *arguments], cwd=settings.BASE_DIR) as process:
        try:
            eventually(lambda: name in bus.run(devices.alive()), seconds=60)
            yield process
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Command:
    """A running `manage.py workers`, and the instances that offered its devices at first."""

    process: subprocess.Popen[bytes]
    instances: dict[str, str]


@contextmanager
def command(bus: Valkey, *declared: str) -> Iterator[Command]:
    """`manage.py workers` for these devices; entered when all are offered."""
    environment = {**os.environ, "DEVICES": ",".join(declared)}
    with subprocess.Popen([sys.executable, "manage.py", "workers"], cwd=settings.BASE_DIR, env=environment) as process:
        try:
            eventually(lambda: len(bus.run(devices.alive())) == len(declared), seconds=60)
            yield Command(process, {name: found.instance for name, found in bus.run(devices.alive()).items()})
        finally:
            process.terminate()
            process.wait(40)


@contextmanager
def dispatcher(bus: Valkey) -> Iterator[Dispatcher]:
    """A dispatcher on a thread."""
    stop = threading.Event()
    broker = Broker(current_app)
    running = Dispatcher(
        bus,
        send_task=lambda order, token: broker.send([order_letter(order, token)]),
        send_picture=lambda broadcast: broker.send([picture_letter(broadcast)]),
        stop=stop,
    )
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield running
    finally:
        stop.set()
        thread.join()
        broker.close()


def eventually(condition: Callable[[], Found], seconds: float = 60.0) -> Found:
    """Waits for what another process does, and answers it; there is no event of its own to await."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found
