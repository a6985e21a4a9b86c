"""How many parts come late on a device that is given 80 % of what it was measured to encode.

python -m bench.late [--seconds 60] [--share 0.8]

One device of one core, on core 0; the sources of as many broadcasts as fit, the dispatcher and the Valkeys on the
others. A part is due when the source chunk that completes it came, and late when it comes more than a part's duration
after that; both by the bus's clock. The core's share is that of the worker and its ffmpegs, Python's that of the worker
alone.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import report
from bench.engines import valkeys
from bench.ladder import FFMPEG
from bench.load import cpu_seconds
from bench.parts import due, entries
from bench.rig import BASE_DIR

if TYPE_CHECKING:
    from streaming.bus.redis import Valkey

DEVICE = "cpu:0"
SETTLE_SECONDS = 12
"""What starts, catches up: not counted."""
LAST_MS = 1_000
"""What ends, waits to see that nothing follows: its last pictures aren't counted."""
PART_MS = 400


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.late", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--share", type=float, default=0.8, help="of the measured capacity")
    given = parser.parse_args(arguments)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores - {0} or cores)
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
        make_clip(clip, SETTLE_SECONDS + given.seconds)
        found = measure(clip, given.share)
    columns = list(found)
    print(report.table(f"Parts at {given.share:.0%} of a device's capacity", columns, [list(found.values())]))
    print(report.save("late", {"share": given.share, "seconds": given.seconds, **found}))


def make_clip(file: Path, seconds: int) -> None:
    """A moving 480p30 picture with noise, as OBS would send it."""
    picture = f"testsrc2=size=640x480:rate=30:duration={seconds},noise=alls=12:allf=t"
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "1500k", "-maxrate", "1500k", "-bufsize", "1500k"]
    subprocess.run(
        [FFMPEG, *("-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", picture), *coding, "-g", "60", str(file)],
        check=True,
    )


def measure(clip: Path, share: float) -> dict[str, Any]:
    import django

    django.setup()
    from django.conf import settings

    from streaming.bus.redis import Valkey

    bus = Valkey(settings.BUS_URL)
    with worker(bus) as (pid, capacity):
        wanted, taken = filling(int(capacity * share))
        meter = Meter(pid)
        late, gaps = run(bus, clip, wanted, meter)
    bus.close()
    return {
        "capacity Mpx/s": round(capacity / 1e6, 1),
        "broadcasts": len(wanted),
        "of capacity": round(taken / capacity, 2),
        "parts": len(late),
        "p50 ms": report.percentile(late, 0.5),
        "p99 ms": report.percentile(late, 0.99),
        "worst ms": max(late),
        "late": sum(each > PART_MS for each in late),
        "late %": round(100 * sum(each > PART_MS for each in late) / len(late), 3),
        "GAP parts": gaps,
        "core %": round(100 * meter.all_share),
        "Python %": round(100 * meter.own_share),
    }


def filling(room: int) -> tuple[dict[str, list[str]], int]:
    """Broadcasts and their renditions, as many as there is room for, and what they take: whole ladders, and of one more
    the smallest rungs."""
    from streaming.ladder import ladder
    from streaming.media import PART_TARGET_MS, SOURCE, VIDEO_TIMESCALE, BroadcastState, Description, Rendition
    from workers.cost import cost

    source = Rendition(SOURCE, "avc1.64001F", 0, VIDEO_TIMESCALE, 640, 480, 30_000)
    rungs = [rung.rendition for rung in ladder(source)]
    description = Description("any", BroadcastState.LIVE, 0, PART_TARGET_MS, (source, *rungs))
    wanted: dict[str, list[str]] = {}
    taken = 0
    names = [rung.name for rung in rungs]
    while names:
        if taken + cost(description, names) > room:
            names = names[1:]
            continue
        taken += cost(description, names)
        wanted[f"late-{len(wanted)}"] = names
    return wanted, taken


@contextmanager
def worker(bus: Valkey) -> Iterator[tuple[int, int]]:
    """The device's worker: its process, and what that was measured to encode, in pixels a second."""
    from django.conf import settings

    from streaming.bus import devices
    from workers.devices import declared_device
    from workers.management.commands.workers import transcoding

    device = declared_device(settings.HOST_NAME, DEVICE)
    argv = [sys.executable, "-m", "celery", "--app", "config", "--quiet", *transcoding(device)]
    with subprocess.Popen(
        ["taskset", "--cpu-list", "0", *argv], cwd=BASE_DIR, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            taken_for = device.capacity
            while (found := bus.run(devices.alive()).get(device.name)) is None or found.capacity == taken_for:
                time.sleep(0.1)
            yield process.pid, found.capacity
        finally:
            process.kill()


class Meter:
    """What a process uses of a core, and what it and its children do."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.all_share = self.own_share = 0.0
        self.start()

    def start(self) -> None:
        self._began, self._all, self._own = time.monotonic(), *self._used()

    def stop(self) -> None:
        seconds, (all_of_it, own) = time.monotonic() - self._began, self._used()
        self.all_share, self.own_share = (all_of_it - self._all) / seconds, (own - self._own) / seconds

    def _used(self) -> tuple[float, float]:
        return cpu_seconds(self._pid), cpu_seconds(self._pid, children=False)


def run(bus: Valkey, clip: Path, wanted: Mapping[str, Sequence[str]], meter: Meter) -> tuple[list[float], int]:
    """How late each part came, in ms, and how many are GAP."""
    from celery import current_app

    from workers.dispatcher.letters import Broker, order_letter
    from workers.dispatcher.loop import Dispatcher

    stop = threading.Event()
    broker = Broker(current_app)
    dispatcher = Dispatcher(
        bus,
        send_task=lambda order, token: broker.send([order_letter(order, token)]),
        send_picture=lambda _broadcast: None,
        stop=stop,
    )
    watching = threading.Thread(target=watch, args=(bus, wanted, stop))
    threads = [threading.Thread(target=dispatcher.run), watching]
    for thread in threads:
        thread.start()
    sources = []
    for broadcast in wanted:
        argv = [sys.executable, "-m", "bench.source", os.environ["BUS_URL"], broadcast, str(clip)]
        sources.append(subprocess.Popen(argv, cwd=BASE_DIR))
        time.sleep(2 / len(wanted))  # segments of broadcasts begin at any time
    time.sleep(SETTLE_SECONDS)
    meter.start()
    sources[0].wait()
    meter.stop()
    for source in sources:
        source.wait()
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    late, gaps = [], 0
    for broadcast, renditions in wanted.items():
        chunks = entries(bus, broadcast, "source")
        counted_from, until = chunks[0][0] + SETTLE_SECONDS * 1000, chunks[-1][0] - LAST_MS
        for rendition in renditions:
            for came, part in entries(bus, broadcast, rendition):
                at = due(chunks, part)
                if at is not None and counted_from <= at < until:
                    late.append(float(came - at))
                    gaps += part.gap
    return late, gaps


def watch(bus: Valkey, wanted: Mapping[str, Sequence[str]], stop: threading.Event) -> None:
    """Somebody who wants all of it."""
    from streaming.bus import demand

    while not stop.wait(1):
        bus.run_all([demand.want(broadcast, name) for broadcast, names in wanted.items() for name in names])


if __name__ == "__main__":
    main()
