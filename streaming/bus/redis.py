"""The one place that makes Valkey clients, and runs `layout.Call`s on them.

`Valkey` is for threads, `AsyncValkey` for an event loop. Both turn every failure of the connection into
`BusUnavailable` and never send a call twice by themselves: a chunk appended twice would break a broadcast, so only
the caller knows whether a retry is safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from redis import BlockingConnectionPool, Redis
from redis import exceptions as failures
from redis.asyncio import BlockingConnectionPool as AsyncBlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from streaming.bus.errors import BusFull, BusUnavailable
from streaming.bus.layout import Argument, Call

T = TypeVar("T")

BLOCK_MS = 1_000
"""The longest a blocking read waits on the server; it stays far below SOCKET_TIMEOUT, or redis-py takes it for a
dead connection."""
SOCKET_TIMEOUT = 5.0
CONNECT_TIMEOUT = 2.0
POOL_TIMEOUT = 5.0
"""Seconds a call waits for a free connection before it counts as unavailable."""


def _options() -> dict[str, Any]:
    # RESP2 without redis-py's own reading of replies: each call parses the reply as Valkey documents it. So
    # redis-py's types of replies don't hold either: clients are Any here, and calls typed by their `parse`.
    return {
        "protocol": 2,
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "timeout": POOL_TIMEOUT,
    }


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (failures.ConnectionError, failures.TimeoutError, OSError) as error:
        raise BusUnavailable(str(error) or type(error).__name__) from error
    except failures.OutOfMemoryError as error:
        raise BusFull(str(error)) from error


@contextmanager
def _cancellable() -> Iterator[None]:
    """Sees to it that a cancellation is not lost: up to Python 3.11 asyncio.wait_for, by which redis-py sends, swallows
    one that comes as the sending completes."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    yield
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError


def _command(call: Call[Any]) -> tuple[Argument, ...]:
    if call.script is None:
        return call.arguments
    return ("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.arguments)


def _command_with_text(call: Call[Any]) -> tuple[Argument, ...]:
    assert call.script is not None
    return ("EVAL", call.script.text, len(call.keys), *call.keys, *call.arguments)


def _reply_or_raise(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply


class AsyncValkey:
    """One Valkey, for one event loop. At most `connections` calls and `readers` blocking reads run at a time."""

    def __init__(self, url: str, *, connections: int = 32, readers: int = 32) -> None:
        self._calls = self._client(url, connections)
        self._readers = self._client(url, readers)

    @staticmethod
    def _client(url: str, connections: int) -> Any:
        pool = AsyncBlockingConnectionPool.from_url(
            url, max_connections=connections, retry=AsyncRetry(NoBackoff(), 0), **_options()
        )
        client = AsyncRedis.from_pool(pool)
        client.response_callbacks.clear()
        return client

    async def run(self, call: Call[T]) -> T:
        """Makes one call. Raises BusUnavailable, BusFull, or what the call's reply stands for."""
        client = self._readers if call.blocking else self._calls
        with _failures(), _cancellable():
            try:
                reply = await client.execute_command(*_command(call))
            except failures.NoScriptError:
                reply = await client.execute_command(*_command_with_text(call))
        return call.parse(reply)

    async def run_all(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Makes calls in one round trip, in order, not atomically. Raises the first error after all have run."""
        if not calls:
            return []
        with _failures(), _cancellable():
            pipeline = self._calls.pipeline(transaction=False)
            for call in calls:
                pipeline.execute_command(*_command(call))
            replies = await pipeline.execute(raise_on_error=False)
            for index, reply in enumerate(replies):
                if isinstance(reply, failures.NoScriptError):
                    replies[index] = await self._calls.execute_command(*_command_with_text(calls[index]))
            return [call.parse(_reply_or_raise(reply)) for call, reply in zip(calls, replies, strict=True)]

    async def aclose(self) -> None:
        await self._calls.aclose(close_connection_pool=True)
        await self._readers.aclose(close_connection_pool=True)


class Valkey:
    """One Valkey, for threads. At most `connections` calls and `readers` blocking reads run at a time."""

    def __init__(self, url: str, *, connections: int = 32, readers: int = 32) -> None:
        self._calls = self._client(url, connections)
        self._readers = self._client(url, readers)

    @staticmethod
    def _client(url: str, connections: int) -> Any:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=connections, retry=Retry(NoBackoff(), 0), **_options()
        )
        client = Redis(connection_pool=pool)
        client.response_callbacks.clear()
        return client

    def run(self, call: Call[T]) -> T:
        """Makes one call. Raises BusUnavailable, BusFull, or what the call's reply stands for."""
        client = self._readers if call.blocking else self._calls
        with _failures():
            try:
                reply = client.execute_command(*_command(call))
            except failures.NoScriptError:
                reply = client.execute_command(*_command_with_text(call))
        return call.parse(reply)

    def run_all(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Makes calls in one round trip, in order, not atomically. Raises the first error after all have run."""
        if not calls:
            return []
        with _failures():
            pipeline = self._calls.pipeline(transaction=False)
            for call in calls:
                pipeline.execute_command(*_command(call))
            replies = pipeline.execute(raise_on_error=False)
            for index, reply in enumerate(replies):
                if isinstance(reply, failures.NoScriptError):
                    replies[index] = self._calls.execute_command(*_command_with_text(calls[index]))
            return [call.parse(_reply_or_raise(reply)) for call, reply in zip(calls, replies, strict=True)]

    def close(self) -> None:
        self._calls.connection_pool.disconnect()
        self._readers.connection_pool.disconnect()
