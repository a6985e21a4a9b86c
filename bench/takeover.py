"""How late parts are, in the ordinary and when the worker that makes them is killed or stopped in mid-segment.

python -m bench.takeover [--rounds 3]

A part's lateness counts from the source chunk that completes it, both by the bus's clock. Two devices, a dispatcher and
real Celery workers; each round strikes the one at work, and replaces it.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import report
from bench.engines import valkeys
from bench.ladder import make_clip
from bench.rig import BASE_DIR

if TYPE_CHECKING:
    from streaming.bus.redis import Valkey
    from streaming.media import Chunk

BROADCAST = "takeover"
RENDITIONS = ("360p", "160p")
DEVICES = ("cpu:0", "cpu:1")
ROUND_SECONDS = 8
BLOWS = {"SIGKILL": signal.SIGKILL, "SIGSTOP": signal.SIGSTOP}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.takeover", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3, help="of each blow")
    rounds = parser.parse_args(arguments).rounds
    with valkeys() as engines:
        os.environ |= {
            "DATA_DIR": str(engines.folder),
            "SECRET_KEY": secrets.token_hex(32),
            "BUS_URL": engines.bus_url,
            "STATE_URL": engines.state_url,
            "DATABASE_URL": "postgresql://nobody@/nothing",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "ERROR",
        }
        clip = engines.folder / "clip.flv"
        make_clip(clip, 10 + len(BLOWS) * rounds * ROUND_SECONDS)
        rows = measure(clip, rounds)
    columns = ["blow", "parts", "p50 ms", "p99 ms", "worst ms", "GAP parts"]
    print(report.table("Lateness of parts", columns, [[row[column] for column in columns] for row in rows]))
    print(report.save("takeover", {"rounds": rounds, "results": rows}))


def measure(clip: Path, rounds: int) -> list[dict[str, Any]]:
    """A row for each kind of blow, and one for the parts that none struck."""
    import django

    django.setup()
    from django.conf import settings

    from streaming.bus.redis import Valkey
    from workers.dispatcher.loop import Dispatcher
    from workers.management.commands.dispatcher import send_picture, send_task

    bus = Valkey(settings.BUS_URL)
    stop = threading.Event()
    dispatcher = Dispatcher(bus, send_task=send_task, send_picture=send_picture, stop=stop)
    threads = [threading.Thread(target=dispatcher.run), threading.Thread(target=watch, args=(bus, stop))]
    workers = {declared: start_worker(bus, declared) for declared in DEVICES}
    source = subprocess.Popen(
        [sys.executable, "-m", "bench.source", settings.BUS_URL, BROADCAST, str(clip)], cwd=BASE_DIR
    )
    for thread in threads:
        thread.start()
    try:
        time.sleep(6)
        struck = [(blow, *strike(bus, workers, BLOWS[blow])) for blow in list(BLOWS) * rounds]
        source.wait()
        time.sleep(1)
        return results(bus, struck)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for process in (source, *workers.values()):
            process.kill()
            process.wait()


def watch(bus: Valkey, stop: threading.Event) -> None:
    """Somebody who wants all renditions."""
    from streaming.bus import demand
    from streaming.bus.errors import BusError

    while not stop.wait(0.5):
        for rendition in RENDITIONS:
            try:
                bus.run(demand.want(BROADCAST, rendition))
            except BusError:
                return


def start_worker(bus: Valkey, declared: str) -> subprocess.Popen[bytes]:
    """A device's worker, once its device is offered."""
    from django.conf import settings

    from streaming.bus import devices
    from workers.devices import declared_device
    from workers.management.commands.workers import transcoding

    device = declared_device(settings.HOST_NAME, declared)
    before = bus.run(devices.alive()).get(device.name)
    argv = [sys.executable, "-m", "celery", "--app", "config", "--quiet", *transcoding(device)]
    process = subprocess.Popen(argv, cwd=BASE_DIR, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while bus.run(devices.alive()).get(device.name) in (None, before):
        time.sleep(0.02)
    return process


def strike(bus: Valkey, workers: dict[str, subprocess.Popen[bytes]], blow: int) -> tuple[int, int]:
    """Strikes the worker that holds the newest segment, and replaces it; from when to when, by the bus's clock."""
    from django.conf import settings

    from streaming.bus import reading
    from streaming.bus.view import observe

    began = time.monotonic()
    found = bus.run(observe(BROADCAST, segments=2)).tasks
    newest = max(found[max(found)].attempts.values(), key=lambda attempt: attempt.ordered_ms)
    declared = newest.device.removeprefix(f"{settings.HOST_NAME}.")
    at = bus.run(reading.now_ms())
    os.kill(workers[declared].pid, blow)
    time.sleep(3)
    if blow == signal.SIGSTOP:
        os.kill(workers[declared].pid, signal.SIGCONT)
    else:
        workers[declared].wait()
        workers[declared] = start_worker(bus, declared)
    time.sleep(max(0.0, began + ROUND_SECONDS - time.monotonic()))
    return at, at + 3_000


def results(bus: Valkey, struck: Sequence[tuple[str, int, int]]) -> list[dict[str, Any]]:
    source = entries(bus, "source")
    late: dict[str, list[float]] = {"none": [], **{blow: [] for blow in BLOWS}}
    gaps = dict.fromkeys(late, 0)
    for rendition in RENDITIONS:
        for at, chunk in entries(bus, rendition)[10:]:  # what comes first catches up
            end = chunk.dts + chunk.duration
            due = next((due for due, other in source if other.dts + other.duration >= end), None)
            if due is not None:
                blow = next((blow for blow, since, until in struck if since <= due <= until), "none")
                late[blow].append(at - due)
                gaps[blow] += chunk.gap
    return [
        {
            "blow": blow,
            "parts": len(values),
            "p50 ms": report.percentile(values, 0.5),
            "p99 ms": report.percentile(values, 0.99),
            "worst ms": max(values),
            "GAP parts": gaps[blow],
        }
        for blow, values in late.items()
        if values
    ]


def entries(bus: Valkey, rendition: str) -> list[tuple[int, Chunk]]:
    """When each chunk was appended, in the bus's ms, and the chunk."""
    from streaming.bus import reading

    found = bus.run(reading.chunks(BROADCAST, {rendition: b"0-0"}, block_ms=0, count=100_000))
    return [(int(entry.partition(b"-")[0]), chunk) for entry, chunk in found.get(rendition, [])]


if __name__ == "__main__":
    main()
