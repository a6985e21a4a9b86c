"""This process's one subscription to the rooms of a Valkey."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from typing import Any

from redis import exceptions as failures
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streaming.bus.redis import CONNECT_TIMEOUT

logger = logging.getLogger(__name__)

PING_S = 5.0
"""A connection on which nothing came for so long is asked whether it lives."""
DEAD_S = 10.0
RETRY_S = (0.1, 0.25, 0.5, 1.0, 2.0)


class Feed:
    """Holds sharded subscriptions and hands on what comes; after a break it subscribes again to all of them.

    `on_payload(channel, payload)` is called for each message, `on_up()` when all subscriptions stand (again) and
    `on_down()` when the connection broke.
    """

    def __init__(
        self,
        url: str,
        *,
        on_payload: Callable[[str, bytes], None],
        on_up: Callable[[], None],
        on_down: Callable[[], None],
    ) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            socket_timeout=DEAD_S,
            socket_connect_timeout=CONNECT_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._on_payload = on_payload
        self._on_up = on_up
        self._on_down = on_down
        self._channels: dict[str, asyncio.Event] = {}
        self._connection: Any = None
        self.up = False

    async def subscribe(self, channel: str, *, seconds: float = 2.0) -> bool:
        """Hears a channel until `unsubscribe`. False when the subscription doesn't stand after `seconds`.

        It stands later then, by itself.
        """
        stands = self._channels.get(channel)
        if stands is None:
            stands = self._channels[channel] = asyncio.Event()
            await self._command("SSUBSCRIBE", channel)
        try:
            async with asyncio.timeout(seconds):
                await stands.wait()
        except TimeoutError:
            return False
        return True

    async def unsubscribe(self, channel: str) -> None:
        if self._channels.pop(channel, None) is not None:
            await self._command("SUNSUBSCRIBE", channel)

    async def run(self) -> None:
        """Keeps the connection until cancelled."""
        attempt = 0
        while True:
            try:
                await self._connect()
                attempt = 0
                await self._read()
            except (failures.ConnectionError, failures.TimeoutError, OSError) as error:
                if self.up or attempt == 0:
                    logger.warning("chat's subscription broke off: %s", error)
            finally:
                await self._disconnect()
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    async def _connect(self) -> None:
        connection: Any = self._pool.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()
        for stands in self._channels.values():
            stands.clear()
        self._connection = connection
        wanted = list(self._channels)
        for channel in wanted:
            # One each: sharded channels of several slots in one command are refused by a cluster.
            await connection.send_command("SSUBSCRIBE", channel)
        if not wanted:
            self._stand()

    async def _read(self) -> None:
        asked = False
        while True:
            try:
                # The timer of `asyncio.timeout` is what bounds it: redis-py would take its own for a broken line.
                async with asyncio.timeout(PING_S):
                    reply = await self._connection.read_response(timeout=math.inf, disconnect_on_error=False)
            except TimeoutError:
                if asked:
                    raise failures.ConnectionError("no answer to a ping") from None
                asked = True
                await self._connection.send_command("PING")
                continue
            asked = False
            if isinstance(reply, list):
                self._take(reply)

    def _take(self, reply: list[Any]) -> None:
        kind = reply[0]
        if kind == b"smessage":
            self._on_payload(reply[1].decode(), reply[2])
        elif kind == b"ssubscribe":
            stands = self._channels.get(reply[1].decode())
            if stands:
                stands.set()
            if not self.up and all(stands.is_set() for stands in self._channels.values()):
                self._stand()

    def _stand(self) -> None:
        self.up = True
        self._on_up()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        for stands in self._channels.values():
            stands.clear()
        if self.up:
            self.up = False
            self._on_down()
        if connection is not None:
            with contextlib.suppress(failures.RedisError, OSError):
                await connection.disconnect(nowait=True)

    async def _command(self, *words: str) -> None:
        if self._connection is None:
            return  # `_connect` subscribes to all there are
        with contextlib.suppress(failures.RedisError, OSError):  # `_read` meets the same and connects anew
            await self._connection.send_command(*words)
