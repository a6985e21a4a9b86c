"""An installation of `make run` for a test: ports and data of its own."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import settings

COMMAND = (sys.executable, "-m", "deploy.local")


def environment(data: Path) -> dict[str, str]:
    """What a shell of a new machine would have, and ports that are free."""
    http, rtmp, whip, irc, flower, metrics = free_ports(6)
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {
        "DATA_DIR": str(data),
        "HTTP_PORT": str(http),
        "RTMP_PORT": str(rtmp),
        "WHIP_PORT": str(whip),
        "IRC_PORT": str(irc),
        "FLOWER_PORT": str(flower),
        "METRICS_PORT": str(metrics),
    }


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Installation:
    """A running supervisor and what it has printed."""

    def __init__(self, process: subprocess.Popen[str], environment: dict[str, str]) -> None:
        self.process = process
        self.environment = environment
        self.printed = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Reads on until a line matches; pytest's own limit ends a wait in vain."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed += line
            if found := re.search(pattern, line):
                return found
        pytest.fail(f"no {pattern!r} in:\n{self.printed}")

    def drain(self) -> None:
        """Reads to the end of the output, so that the supervisor never waits for its reader."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed += line

    def child(self, *words: str) -> int:
        """The process id of the child whose command line has all the words."""
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                command = (status.parent / "cmdline").read_bytes().decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid and all(word in command for word in words):
                return int(status.parent.name)
        pytest.fail(f"no child with {words} in:\n{self.printed}")

    def manage(self, *arguments: str) -> str:
        """What a command of manage.py prints, run as from a second terminal."""
        command = (sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments)
        return subprocess.run(
            command, env=self.environment, cwd=settings.BASE_DIR, check=True, capture_output=True, text=True
        ).stdout


@contextlib.contextmanager
def installed(environment: dict[str, str]) -> Iterator[Installation]:
    """Starts one; it is killed, and its programs with it, when the block ends before it was stopped."""
    with subprocess.Popen(
        COMMAND, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Installation(process, environment)
        finally:
            process.kill()
