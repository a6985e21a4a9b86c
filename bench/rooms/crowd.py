"""Sockets in rooms, in a process of their own (`listeners`), and what they got."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from bench.rig import BASE_DIR


@dataclass
class Heard:
    """What a crowd got. `last_at` says when the last socket got a message, by its key (Unix seconds)."""

    deliveries: int = 0
    doubled: int = 0
    frames: int = 0
    hung_up: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    last_at: dict[str, float] = field(default_factory=dict)

    def add(self, told: dict[str, Any]) -> None:
        self.deliveries += told["deliveries"]
        self.doubled += told["doubled"]
        self.frames += told["frames"]
        self.hung_up += told["hung_up"]
        self.counts.update(told["counts"])
        for key, at in told["last_at"].items():
            self.last_at[key] = max(at, self.last_at.get(key, 0.0))


class Crowd:
    """One process of sockets; `ready_s` is how long they took to connect."""

    def __init__(self, process: asyncio.subprocess.Process, sockets: int) -> None:
        self._process = process
        self.sockets = sockets
        self.ready_s = 0.0

    async def ready(self) -> None:
        self.ready_s = (await self._read())["ready"]

    async def heard(self) -> dict[str, Any]:
        """What came since it was last asked."""
        assert self._process.stdin
        self._process.stdin.write(b"tell\n")
        await self._process.stdin.drain()
        return await self._read()

    async def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the listeners ended")
        told: dict[str, Any] = json.loads(line)
        return told


@contextlib.asynccontextmanager
async def crowd(port: int, sockets: int, **options: Any) -> AsyncIterator[Crowd]:
    """`sockets` sockets to a server until the block ends; `options` are `listeners.Plan`'s."""
    plan = {"port": port, "sockets": sockets, **options}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.rooms.listeners", json.dumps(plan)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=BASE_DIR,
        limit=2**28,
    )
    made = Crowd(process, sockets)
    try:
        await made.ready()
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
