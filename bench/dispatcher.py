"""How many broadcasts one core's dispatcher carries: the real process, on broadcasts and devices without media.

python -m bench.dispatcher [--broadcasts 1000 1500] [--seconds 30]

Each broadcast has a source in parts of 0.4 s and one rendition that is watched. Devices claim each task at once and
publish its parts 0.1 s after the source's, so all that the dispatcher is late with is its own: orders, and the broker.

The dispatcher has a core to itself; the load and both Valkeys share what other cores there are. Where the load itself
comes late the figures are of that, and the row says so.
"""

from __future__ import annotations

import argparse
import base64
import heapq
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from bench import report
from bench.engines import Engines, valkeys
from bench.rig import BASE_DIR
from streaming.bus import demand, devices, publication, tasks
from streaming.bus.epoch import epoch
from streaming.bus.errors import BusRefusal
from streaming.bus.layout import Call
from streaming.bus.redis import Valkey
from streaming.ladder import ladder
from streaming.media import (
    PART_TARGET_MS,
    SOURCE,
    VIDEO_TIMESCALE,
    BroadcastState,
    Chunk,
    Closes,
    Description,
    Rendition,
)

RENDITION = "480p"
PARTS = 5
PART = PART_TARGET_MS * VIDEO_TIMESCALE // 1000
WARM_UP_SECONDS = 10.0
BEHIND_SECONDS = 0.1
"""How long after the source's part the device publishes its own."""
DEVICES = 20
TURN_SECONDS = 0.01
LOAD_LATE_SECONDS = 0.1
"""A load that comes later than that, one time in a hundred, is what limits."""
BUSY = 0.8
"""A dispatcher that has used less than that of its core was waiting for something else."""
IN_TIME_SECONDS = 0.25
"""Within so long an order should be claimed: the dispatcher itself then tries another device (`judgement.CLAIM_MS`)."""
SHAPE = Rendition(SOURCE, "avc1.64001F", 3_000_000, VIDEO_TIMESCALE, 1280, 720, 30_000)


class Broadcast:
    """A source that goes on part by part, and the rendition made of it as far as there are tokens for it."""

    def __init__(self, name: str, token: str) -> None:
        self.name = name
        self.token = token
        self.parts = 0
        self.made: int | None = None
        self.claimed: dict[int, str] = {}
        self.opened: dict[int, float] = {}

    def source(self, now: float) -> Call[None]:
        msn, part = divmod(self.parts, PARTS)
        if part == 0:
            self.opened[msn] = now
        self.parts += 1
        return publication.append(self.name, self.token, SOURCE, [_chunk(msn, part)], leading=True)

    def claim(self, msn: int, token: str) -> None:
        self.claimed[msn] = token
        if self.made is None:
            self.made = msn * PARTS

    def rendition(self) -> list[Call[None]]:
        """What its device publishes now."""
        calls = []
        while self.made is not None and self.made < self.parts and self.made // PARTS in self.claimed:
            msn, part = divmod(self.made, PARTS)
            calls.append(tasks.publish_part(self.name, self.claimed[msn], RENDITION, _chunk(msn, part)))
            self.made += 1
            if part == PARTS - 1:
                del self.claimed[msn]
        return calls


def _chunk(msn: int, part: int) -> Chunk:
    closes = Closes.SEGMENT if part == PARTS - 1 else Closes.PART
    return Chunk(msn, part, (msn * PARTS + part) * PART, PART, 0, part == 0, closes, 0, 0, b"x" * 64)


class Load:
    """All broadcasts and devices, from one thread: whatever is due, in one round trip a turn."""

    def __init__(self, engines: Engines, broadcasts: int, host: str) -> None:
        self._bus = Valkey(engines.bus_url)
        self._broker = redis.Redis.from_url(engines.state_url)
        self._instance = "bench"
        self._devices = [
            devices.Device(f"{host}.cpu:{n}", host, self._instance, 64 * broadcasts, devices.DeviceKind.CPU, 10**10)
            for n in range(DEVICES)
        ]
        self._queues = [f"celery:transcode.{device.name}" for device in self._devices]
        in_epoch = self._bus.run(epoch())
        self.all: dict[str, Broadcast] = {}
        for number in range(broadcasts):
            name = f"b{number}"
            token = self._bus.run(publication.acquire(name, in_epoch=in_epoch, ingest="bench")).token
            described = Description(
                name, BroadcastState.LIVE, 2, PART_TARGET_MS, (SHAPE, *(rung.rendition for rung in ladder(SHAPE)))
            )
            self._bus.run(publication.describe(described, token))
            self.all[name] = Broadcast(name, token)
        self.waits: list[float] = []
        """From a segment's first part to the claim of its task, in seconds."""
        self.late: list[float] = []
        """How late the load itself was with each thing that was due, in seconds."""
        self.refusals = 0
        self.orders = 0

    def run(self, seconds: float, *, measure: Callable[[], None]) -> None:
        """At the pace of the media, for so long; `measure` is called when all have begun."""
        began = time.monotonic()
        due: list[tuple[float, str, str]] = []
        for at, name in enumerate(self.all):
            offset = at / len(self.all) * 2.0
            for kind in ("source", "keep"):
                heapq.heappush(due, (began + offset, kind, name))
        next_lease, measured = began, False
        while (now := time.monotonic()) - began < seconds:
            calls: list[Call[Any]] = []
            if not measured and now - began >= WARM_UP_SECONDS:
                measured = True
                measure()
            if now >= next_lease:
                calls += [devices.renew(device) for device in self._devices]
                next_lease = now + 0.2
            while due and due[0][0] <= now:
                at_s, kind, name = heapq.heappop(due)
                broadcast = self.all[name]
                if measured:
                    self.late.append(now - at_s)
                if kind == "source":
                    calls.append(broadcast.source(now))
                    heapq.heappush(due, (at_s + PART_TARGET_MS / 1000, kind, name))
                    heapq.heappush(due, (at_s + BEHIND_SECONDS, "rendition", name))
                elif kind == "keep":
                    calls += [publication.renew(name, broadcast.token), demand.want(name, RENDITION)]
                    heapq.heappush(due, (at_s + 2.0, kind, name))
                else:
                    calls += broadcast.rendition()
            self._take(calls, now, count=measured)
            self._run(calls)
            time.sleep(TURN_SECONDS)

    def _take(self, calls: list[Call[Any]], now: float, *, count: bool) -> None:
        """The tasks that have come: claims them, and what of them is behind already follows."""
        pipeline = self._broker.pipeline(transaction=False)
        for queue in self._queues:
            pipeline.rpop(queue, 1_000)
        for message in (message for found in pipeline.execute() for message in found or ()):
            arguments = json.loads(base64.b64decode(json.loads(message)["body"]))[0]
            name, msn, token, renditions = arguments
            broadcast = self.all[name]
            calls.append(tasks.claim(name, msn, token, renditions, instance=self._instance))
            broadcast.claim(msn, token)
            self.orders += count
            if count and (opened := broadcast.opened.pop(msn, None)) is not None:
                self.waits.append(now - opened)
            calls += broadcast.rendition()

    def _run(self, calls: list[Call[Any]]) -> None:
        try:
            self._bus.run_all(calls)
        except BusRefusal:
            self.refusals += 1


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the dispatcher runs, and where all else does; both anywhere on a machine of one core."""

    dispatcher: set[int]
    others: set[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        available = sorted(os.sched_getaffinity(0))
        return cls({available[-1]}, set(available[:-1]) or set(available))


@dataclass(frozen=True, slots=True)
class Mark:
    """What each process had used of the processor at a moment, in seconds, and how much the dispatcher had said."""

    at: float
    used: dict[str, float]
    said: int


def cpu_seconds(pid: int) -> float:
    """What a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.dispatcher", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--broadcasts", type=int, nargs="+", default=[1_000])
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args(arguments)
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, cores.others)
    rows = [measure(broadcasts, given.seconds, cores) for broadcasts in given.broadcasts]
    print(report.table("A dispatcher on one core", list(rows[0]), [list(row.values()) for row in rows]))
    print(report.save("dispatcher", {"rows": rows}))


def measure(broadcasts: int, seconds: float, cores: Cores) -> dict[str, object]:
    """One run, as a row of the table."""
    with valkeys() as engines:
        log = engines.folder / "log"
        load = Load(engines, broadcasts, "bench")
        with running(engines, log, cores) as dispatcher:
            pids = {"dispatcher": dispatcher.pid, "load": os.getpid(), **engines.pids}
            marks: list[Mark] = []

            def mark() -> None:
                used = {name: cpu_seconds(pid) for name, pid in pids.items()}
                marks.append(Mark(time.monotonic(), used, len(log.read_text(errors="replace"))))

            load.run(WARM_UP_SECONDS + seconds, measure=mark)
            mark()
        before, after = marks
        said = log.read_text(errors="replace")[before.said :]
    shares = {name: (after.used[name] - before.used[name]) / (after.at - before.at) for name in pids}
    return {
        "broadcasts": broadcasts,
        **{f"{name} cpu": f"{share:.0%}" for name, share in shares.items()},
        "orders/s": round(load.orders / seconds),
        **milliseconds("order", load.waits),
        **milliseconds("load late", load.late),
        "moved": said.count("segment.moved"),
        "gaps": said.count("segment.gap"),
        "limit": limit(load, shares["dispatcher"]),
    }


def milliseconds(name: str, seconds: Sequence[float]) -> dict[str, object]:
    return {
        f"{name} {what}": round(report.percentile(seconds, share) * 1000) if seconds else "-"
        for what, share in (("p50 ms", 0.5), ("p99 ms", 0.99))
    }


def limit(load: Load, dispatcher_share: float) -> str:
    """What would not take more: the load, the dispatcher, the bus that both wait for, or none of them."""
    if not load.late or report.percentile(load.late, 0.99) > LOAD_LATE_SECONDS:
        return "the load"
    if load.waits and report.percentile(load.waits, 0.99) <= IN_TIME_SECONDS:
        return "none"
    return "the dispatcher" if dispatcher_share > BUSY else "the bus"


@contextmanager
def running(engines: Engines, log: Path, cores: Cores) -> Iterator[subprocess.Popen[bytes]]:
    """A dispatcher on its core."""
    environment = {
        **os.environ,
        "DATA_DIR": str(engines.folder),
        "SECRET_KEY": secrets.token_hex(32),
        "BUS_URL": engines.bus_url,
        "STATE_URL": engines.state_url,
        "DATABASE_URL": "postgresql://nobody@/nothing?host=/nowhere",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "METRICS_PORT": "0",
        "LOG_LEVEL": "WARNING",
    }
    pinned = ["taskset", "--cpu-list", ",".join(map(str, cores.dispatcher))]
    command = [*pinned, sys.executable, "manage.py", "dispatcher"]
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
