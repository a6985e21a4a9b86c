"""What was packaged and is not on the bus yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from streaming.bus.layout import Call
from streaming.ingest.errors import OutboxFull

MAX_BYTES = 32 * 1024 * 1024
MAX_CALLS = 2_000
"""The bounds: about a minute of media. Beyond them everything is dropped: live media has no use for being late."""


class Runner(Protocol):
    """What makes calls in one round trip: `bus.redis.AsyncValkey`."""

    async def run_all(self, calls: Sequence[Call[Any]]) -> list[Any]: ...


class Outbox:
    """Calls for the bus, sent in order, all that wait in one round trip."""

    def __init__(self, valkey: Runner) -> None:
        self._valkey = valkey
        self._calls: list[Call[Any]] = []
        self._bytes = 0
        self._wake = asyncio.Event()
        self._closed = False
        self.full = False
        """Something found no room. Nothing more is taken until `run` has said so."""

    def put(self, call: Call[Any], size: int = 0) -> None:
        """Queue a call that carries `size` bytes."""
        self._wake.set()
        self.full = self.full or len(self._calls) >= MAX_CALLS or self._bytes + size > MAX_BYTES
        if self.full:
            self.clear()
            return
        self._calls.append(call)
        self._bytes += size

    def clear(self) -> None:
        """Forget what waits."""
        self._calls = []
        self._bytes = 0

    def close(self) -> None:
        """Let `run` return once everything was sent."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Send until closed. Raises OutboxFull, and what the calls raise; what was on its way then is gone."""
        while self._calls or not self._closed:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()
            if self.full:
                self.full = False
                raise OutboxFull

    async def flush(self) -> None:
        """Send what waits now. Raises what the calls raise."""
        calls = self._calls
        self.clear()
        await self._valkey.run_all(calls)
