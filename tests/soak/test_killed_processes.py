"""A broadcast on `make run` while its processes are killed, one after the other, for minutes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import settings
from tests.deploy import installation

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "2"))
RECOVERY_SECONDS = 30
VICTIMS = {
    "workers": ("manage.py", "workers"),
    "dispatcher": ("manage.py", "dispatcher"),
    "web": ("uvicorn",),
    "ingest": ("manage.py", "ingest"),
    "state": ("valkey-server", "/state/"),
    "postgres": ("postgres",),
    "bus": ("valkey-server", "/bus/"),
}


class Encoder:
    """An encoder that connects again when its connection ends, as OBS does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stopping = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        picture = ("-re", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30")
        sound = ("-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
        coding = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-b:v", "800k", "-c:a", "aac")
        command = (settings.FFMPEG, "-v", "error", *picture, *sound, *coding, "-f", "flv", self.url)
        while not self.stopping.is_set():
            self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            self.process.wait()
            self.stopping.wait(1.0)

    def stop(self) -> None:
        self.stopping.set()
        if self.process:
            self.process.kill()
        self.thread.join()


@contextlib.contextmanager
def encoding(url: str) -> Iterator[None]:
    encoder = Encoder(url)
    encoder.thread.start()
    try:
        yield
    finally:
        encoder.stop()


class Viewer:
    """Asks the installation's web server what a player would."""

    def __init__(self, port: str) -> None:
        self.base = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.base + path, timeout=10) as response:
            body: bytes = response.read()
        return body.decode()

    def newest(self, rendition: str) -> int:
        """The newest complete segment of the live broadcast; raises OSError or LookupError while there is none."""
        streams = json.loads(self.get("/streams?live=1"))["streams"]
        playlist = self.get(f"/streams/{streams[0]['id']}/{rendition}/index.m3u8")
        return max(int(number) for number in re.findall(r"^(\d+)\.m4s$", playlist, re.MULTILINE))

    def sees_it_go_on(self, rendition: str) -> None:
        """Returns when two segments more are there than when it first looked."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        first: int | None = None
        last: Exception | int | None = None
        while time.monotonic() < deadline:
            try:
                last = self.newest(rendition)
            except (OSError, LookupError, ValueError) as error:
                last = error
            else:
                # A bus that lost its memory may count on from a lower number.
                first = last if first is None or last < first else first
                if last >= first + 2:
                    return
            time.sleep(0.5)
        pytest.fail(f"{rendition} stands still at {last}")


@pytest.mark.soak
def test_every_process_may_be_killed_and_the_broadcast_goes_on(session_folder: Path) -> None:
    environment = installation.environment(session_folder / "soak")
    with installation.installed(environment) as running:
        running.until(r"stop +Ctrl-C")
        drain = threading.Thread(target=running.drain)
        drain.start()
        streamer = json.loads(running.manage("create_streamer", "soaker"))
        viewer = Viewer(environment["HTTP_PORT"])
        with encoding(f"{streamer['rtmp_url']}/{streamer['stream_key']}"):
            viewer.sees_it_go_on("source")
            viewer.sees_it_go_on("160p")
            for _ in range(ROUNDS):
                for name, words in VICTIMS.items():
                    print(f"killing {name}")
                    os.kill(running.child(*words), signal.SIGKILL)
                    viewer.sees_it_go_on("source")
                    viewer.sees_it_go_on("160p")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(35) == 0
        drain.join()
    # A page may fail while its database is away, and Celery prints how it lost its broker; these two just go on.
    assert not re.search(r"^(ingest|dispatcher) +\| Traceback", running.printed, re.MULTILINE)
