"""A whole installation of its own: what `make run` starts, on free ports and in a folder that goes away."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streaming import metrics

BASE_DIR = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Streamer:
    """A channel that can go live: `publish_url` is what an encoder is given, key and all."""

    login: str
    publish_url: str
    watch_url: str
    key: str


class RigFailed(Exception):
    """The installation did not do what it must; carries the end of what its processes said."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(f"{what}\n{log[-4_000:]}")
        self.what = what
        self.log = log


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_run(count: int) -> int:
    """The first of so many ports in a row that nobody listens on, below those that the system gives to clients."""
    firsts = range(20_000, 30_000, count)
    for first in random.sample(firsts, len(firsts)):  # who looks at the same moment looks elsewhere
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probe = probes.enter_context(socket.socket())
                probe.bind(("127.0.0.1", port))
            return first
    raise RigFailed(f"found no {count} free ports in a row", "")


class Rig:
    """Runs the installation while entered.

    `environment` overrides settings (see `config.settings`). The log of all processes is in `log_file`.
    """

    program = "deploy.local"
    """What is run: a module."""
    stop_seconds = 40.0
    """How long it may take to stop."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        # Short, because a Unix socket's name may have 107 bytes; PostgreSQL's service user must pass through.
        self.folder = Path(tempfile.mkdtemp(prefix="headrace-rig-"))
        self.folder.chmod(0o711)
        self.log_file = self.folder / "log"
        self.http_port = free_port()
        self.rtmp_port = free_port()
        self.whip_port = free_port()
        self.metrics_port = free_run(len(metrics.PROCESSES))
        self.whip_url = f"http://127.0.0.1:{self.whip_port}/whip"
        self.url = f"http://127.0.0.1:{self.http_port}"
        inherited = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "FFMPEG"}}
        self.environment = {
            **inherited,
            "DATA_DIR": str(self.folder / "var"),
            "SECRET_KEY": "of an installation that lives for minutes",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(self.http_port),
            "RTMP_HOST": "127.0.0.1",
            "RTMP_PORT": str(self.rtmp_port),
            "WHIP_HOST": "127.0.0.1",
            "WHIP_PORT": str(self.whip_port),
            "FLOWER_PORT": str(free_port()),
            "IRC_HOST": "127.0.0.1",
            "IRC_PORT": str(free_port()),
            "METRICS_PORT": str(self.metrics_port),
            "PUBLIC_URL": self.url,
            "RTMP_URL": f"rtmp://127.0.0.1:{self.rtmp_port}/live",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            # What an ended broadcast's VOD is given afterwards would be measured with the next one.
            "VOD_LADDER": "none",
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.program],
                cwd=BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def pid(self) -> int:
        """The supervisor's; every process of the installation descends from it."""
        if self._process is None:
            raise RigFailed("the installation was not started", "")
        return self._process.pid

    def wait_until_ready(self, *, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process and self._process.poll() is not None:
                raise RigFailed("the installation ended while it started", self.log)
            if self.status("/readyz") == 200 and self._accepts(self.rtmp_port) and self._accepts(self.whip_port):
                return
            time.sleep(0.1)
        raise RigFailed(f"the installation was not ready after {seconds:.0f} s", self.log)

    def status(self, path: str) -> int:
        """The HTTP status of a GET; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                status: int = response.status
                return status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def text(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            body: bytes = response.read()
            return body.decode()

    def json(self, path: str) -> Any:
        return json.loads(self.text(path))

    def streamer(self, login: str) -> Streamer:
        """Makes a channel with a new stream key, or gives an existing one a new key."""
        made = subprocess.run(
            [sys.executable, "manage.py", "create_streamer", login],
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            check=False,
        )
        if made.returncode:
            raise RigFailed("create_streamer failed", made.stderr.decode(errors="replace"))
        facts = json.loads(made.stdout.splitlines()[-1])
        key = facts["stream_key"]
        return Streamer(facts["login"], f"{facts['rtmp_url']}/{key}", facts["watch_url"], key)

    def make_partner(self, login: str) -> None:
        """What an administrator does on a page of the admin, for the broadcasts that begin from now on."""
        self.shell(f"from streaming.models import Channel; Channel.objects.with_login({login!r}).update(partner=True)")

    def shell(self, code: str) -> str:
        """What code prints that is run as `manage.py shell` runs it. Raises RigFailed."""
        made = subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", code],
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RigFailed(f"this failed: {code}", made.stderr)
        return made.stdout.strip()

    def broadcast_of(self, login: str, *, seconds: float = 15.0) -> str:
        """The id of the channel's broadcast, once its multivariant playlist is served."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            broadcast = self.json(f"/{login}/live")["broadcast"]
            if broadcast and self.status(f"/streams/{broadcast}/manifest.m3u8") == 200:
                return str(broadcast)
            time.sleep(0.1)
        raise RigFailed(f"{login} was not live after {seconds:.0f} s", self.log)

    @staticmethod
    def _accepts(port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0
