"""Minutes of a broadcast while a random process of its transcoding is killed every ten seconds: no part is lost, none
comes twice.

SOAK_SECONDS says for how long, SOAK_SEED which random order.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.processes import command_of, descendants
from bench.rig import BASE_DIR, Rig
from config import settings
from streaming.bus import demand, reading
from streaming.bus.redis import Valkey
from streaming.cmaf.chunk import unpack_chunk
from streaming.media import SOURCE
from tests.workers.fleet import eventually

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
EVERY_SECONDS = 10.0
SETTLE_SECONDS = 15.0
"""Before the first blow and after the last: what is asked for has to start, what was struck has to be over."""
RENDITIONS = ("360p", "160p")
VICTIMS: dict[str, Callable[[str], bool]] = {
    "worker": lambda command: "--queues transcode." in command,
    "durable worker": lambda command: "--queues durable" in command,
    "dispatcher": lambda command: "manage.py dispatcher" in command,
    "ffmpeg": lambda command: "ffmpeg" in command and " pipe:0 " in command,
}


@dataclass
class Followed:
    """A rendition as a reader of the bus sees it. `at` and `late` are in ms; times of pictures in ticks."""

    parts: list[tuple[int, int, int, int, bool]] = field(default_factory=list)
    """MSN, part, start, end, and whether it is GAP."""
    pictures: list[int] = field(default_factory=list)
    arrivals: list[tuple[int, int]] = field(default_factory=list)
    """Where a chunk ends, and when it came."""
    read: bytes = b"0-0"


class Follower(threading.Thread):
    """Reads all that is published, while somebody wants every rendition."""

    def __init__(self, bus: Valkey, broadcast: str) -> None:
        super().__init__()
        self.seen = {name: Followed() for name in (SOURCE, *RENDITIONS)}
        self.over = threading.Event()
        self._bus = bus
        self._broadcast = broadcast

    def run(self) -> None:
        while not self.over.wait(0.25):
            for name in RENDITIONS:
                self._bus.run(demand.want(self._broadcast, name))
            self._read()
        self._read()

    def _read(self) -> None:
        after = {name: followed.read for name, followed in self.seen.items()}
        for name, entries in self._bus.run(reading.chunks(self._broadcast, after, block_ms=0, count=1_000)).items():
            followed = self.seen[name]
            for entry, chunk in entries:
                end = chunk.dts + chunk.duration
                followed.parts.append((chunk.msn, chunk.part, chunk.dts, end, chunk.gap))
                followed.arrivals.append((end, int(entry.partition(b"-")[0])))
                if not chunk.gap:
                    followed.pictures += [unit.pts for unit, _ in unpack_chunk(chunk.data)]
                followed.read = entry


@dataclass(frozen=True, slots=True)
class Count:
    """What became of a rendition's parts; `latest` is the most ms that one came after the source's last picture."""

    parts: int
    gaps: int
    out_of_order: int
    lost_pictures: int
    doubled_pictures: int
    latest: int

    @classmethod
    def of(cls, made: Followed, source: Followed) -> Count:
        pairs = list(zip(made.parts, made.parts[1:], strict=False))
        follows = [
            after[2] == before[3] and (after[:2] == (before[0], before[1] + 1) or after[:2] == (before[0] + 1, 0))
            for before, after in pairs
        ]
        begun, end = made.parts[0][2], made.parts[-1][3]
        expected = {at for at in source.pictures if begun <= at < end}
        return cls(
            parts=len(made.parts),
            gaps=sum(part[4] for part in made.parts),
            out_of_order=follows.count(False),
            lost_pictures=len(expected.difference(made.pictures)),
            doubled_pictures=len(made.pictures) - len(set(made.pictures)),
            latest=max(_lateness(made, source)),
        )


def _lateness(made: Followed, source: Followed) -> Iterator[int]:
    due = iter(source.arrivals)
    covered, at = next(due)
    for end, came in made.arrivals[20:]:  # what comes first catches up
        while covered < end:
            covered, at = next(due, (end, came))
        yield came - at


@contextmanager
def broadcasting(url: str) -> Iterator[None]:
    """An encoder at the pace of the media."""
    picture = ("-re", "-f", "lavfi", "-i", "testsrc2=size=640x480:rate=30")
    sound = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "60", "-b:v", "900k", "-c:a", "aac")
    command = (settings.FFMPEG, "-v", "error", "-nostdin", *picture, *sound, *coding, "-f", "flv", url)
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.kill()


class SecondDispatcher:
    """Another dispatcher beside the installation's, started again when it was killed."""

    def __init__(self, environment: dict[str, str], log_file: Path) -> None:
        self._environment = environment
        self.log_file = log_file
        self.start()

    def start(self) -> None:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "dispatcher"], cwd=BASE_DIR, env=self._environment, stdout=log, stderr=log
            )

    def see_to(self) -> None:
        if self.process.poll() is not None:
            self.start()


def strike(rig: Rig, second: SecondDispatcher, dice: random.Random) -> str:
    """Kills one process of a kind; answers which."""
    kind = dice.choice(list(VICTIMS))
    family = [*descendants(rig.pid), second.process.pid]
    found = [pid for pid in family if VICTIMS[kind](command_of(pid))]
    if not found:
        return f"no {kind}"
    with suppress(ProcessLookupError):
        os.kill(dice.choice(found), signal.SIGKILL)
    return kind


@pytest.mark.soak
def test_no_part_is_lost_or_doubled(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    struck: list[str] = []
    with Rig({"DEVICES": "cpu:0,cpu:1"}) as rig:
        bus = Valkey(f"unix://{Path(rig.environment['DATA_DIR']) / 'run/bus/valkey.sock'}")
        second = SecondDispatcher(rig.environment, tmp_path / "log")
        streamer = rig.streamer("chaos")
        with broadcasting(streamer.publish_url):
            follower = Follower(bus, rig.broadcast_of("chaos"))
            follower.start()
            try:
                eventually(lambda: all(follower.seen[name].parts for name in RENDITIONS))
                time.sleep(SETTLE_SECONDS)
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    struck.append(strike(rig, second, dice))
                    print(f"{len(struck)}: {struck[-1]}", flush=True)
                    time.sleep(EVERY_SECONDS)
                    second.see_to()
                time.sleep(SETTLE_SECONDS)
            finally:
                follower.over.set()
                follower.join()
                second.process.kill()
                second.process.wait()
        log = rig.log + second.log_file.read_text()
        bus.close()
    counts = {name: Count.of(follower.seen[name], follower.seen[SOURCE]) for name in RENDITIONS}
    print({kind: struck.count(kind) for kind in sorted(set(struck))})
    for name, count in counts.items():
        print(name, count)
    print(*(line for line in log.splitlines() if re.search(r"segment\.|encoder\.|device\.", line)), sep="\n")
    for count in counts.values():
        assert (count.gaps, count.out_of_order, count.lost_pictures, count.doubled_pictures) == (0, 0, 0, 0)
