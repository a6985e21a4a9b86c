"""A load generator for one process: keep-alive connections that ask, read, and ask again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CLOCK_TICKS = 100
"""USER_HZ of /proc/<pid>/stat on every Linux that Python runs on."""


@dataclass
class Answers:
    """`seconds` has how long each answer took, `at` when it was whole, by time.perf_counter."""

    seconds: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    sizes: set[int] = field(default_factory=set)


class Asker(asyncio.Protocol):
    """One connection. Asks `request` again as long as `more` says so; `done` is set when it stops."""

    def __init__(self, request: bytes, answers: Answers, more: Callable[[], bool]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._answers = answers
        self._more = more
        self._head = b""
        self._left = -1
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server hung up"))

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = self._length(self._head[:end])
            self._answers.sizes.add(length)
            self._left = length + end + 4 - len(self._head)
        else:
            self._left -= len(data)
        if self._left == 0:
            self._answered()

    def _length(self, head: bytes) -> int:
        status, *lines = head.lower().split(b"\r\n")
        if b" 200" not in status:
            raise ValueError(f"answered {status!r}")
        return next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))

    def _answered(self) -> None:
        now = time.perf_counter()
        self._answers.seconds.append(now - self._asked_at)
        self._answers.at.append(now)
        if self._more():
            self._ask()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _ask(self) -> None:
        self._head, self._left = b"", -1
        self._asked_at = time.perf_counter()
        self._transport.write(self._request)


def request(path: str, *, packed: bool = False) -> bytes:
    """A GET as a browser on the same machine would send it, less the headers that nobody reads."""
    encoding = "gzip" if packed else "identity"
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: {encoding}\r\n\r\n".encode()


async def ask(port: int, message: bytes, *, connections: int, times: int) -> Answers:
    """`times` answers to the same request over so many connections, each of which asks one at a time."""
    answers = Answers()
    left = times - connections

    def more() -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    loop = asyncio.get_running_loop()
    askers = [
        (await loop.create_connection(lambda: Asker(message, answers, more), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(asker.done for asker in askers))
    return answers


def cpu_seconds(pid: int, *, children: bool = True) -> float:
    """CPU time of a process so far, and of its children, those that ended included."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # proc(5): utime, stime, cutime and cstime are fields 14 to 17; the state, field 3, comes first here.
    used = sum(int(value) for value in stat[11 : 15 if children else 13]) / CLOCK_TICKS
    if not children:
        return used
    tasks = Path(f"/proc/{pid}/task").iterdir()
    found = [child for task in tasks for child in (task / "children").read_text().split()]
    return used + sum(cpu_seconds(int(child)) for child in found)
