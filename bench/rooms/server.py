"""A server under measurement: its process, and what the kernel says of it."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import CLOCK_TICKS
from bench.rig import BASE_DIR, free_port

UVICORN = (
    *(sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--log-level", "error", "--no-access-log"),
    *("--ws", "chat.websocket:FanOutProtocol", "--ws-per-message-deflate", "false", "--ws-ping-interval", "0"),
)
"""As `make run` serves chat, less the pings: the listeners here don't answer any."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running process that listens on `port`."""

    pid: int
    port: int

    @property
    def cpu_s(self) -> float:
        """CPU seconds so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    @property
    def kib(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


@contextlib.contextmanager
def started(argv: Sequence[str]) -> Iterator[Server]:
    """Runs `argv`, in which `PORT` stands for a free port, until the block ends."""
    port = free_port()
    process = subprocess.Popen([part.replace("PORT", str(port)) for part in argv], cwd=BASE_DIR)
    try:
        yield Server(process.pid, port)
    finally:
        process.kill()
        process.wait()


async def listening(server: Server) -> None:
    """Waits until the server accepts."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            return
