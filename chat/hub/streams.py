"""What the channel layer says of streams, handed on here: to a channel's room, and to those who follow it.

A channel that is closed loses its room, and who was turned out their sockets. Whoever misses that finds out when what
Valkey knows of room and person is read anew (`layout.KNOWN_MS`): then nothing more is said there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, cast

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from chat.events import dumps
from chat.hub.frame import Frame
from chat.hub.hub import Hub
from chat.hub.outbox import Outbox
from chat.hub.room import SLICE
from streaming.stream_state import GROUP, ChannelClosed, StreamChanged

logger = logging.getLogger(__name__)

RETRY_S = 1.0


class Streams:
    """One subscription of this process. A channel of the layer for each socket would cost a queue and a task each."""

    def __init__(self, hub: Hub, forget_room: Callable[[str], None]) -> None:
        self._hub = hub
        self._forget_room = forget_room
        self._followers: dict[str, dict[Outbox, None]] = {}
        """By a channel's id: sockets of people who follow it."""
        self._running: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    async def start(self) -> None:
        """Begins to listen; idempotent. Returns when the subscription stands, or could not be had the first time."""
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())
        await self._tried.wait()

    def follow(self, outbox: Outbox, channels: Iterable[str]) -> None:
        """From here on the socket hears when one of these goes live."""
        for channel in channels:
            self._followers.setdefault(channel, {})[outbox] = None

    def leave(self, outbox: Outbox, channels: Iterable[str]) -> None:
        """Ends what `follow` began; idempotent."""
        for channel in channels:
            followers = self._followers.get(channel, {})
            followers.pop(outbox, None)
            if not followers:
                self._followers.pop(channel, None)

    async def _run(self) -> None:
        layer = get_channel_layer()
        away = False
        while True:
            try:
                name = await layer.new_channel()
                await layer.group_add(GROUP, name)
                self._tried.set()
                away = False
                while True:
                    await self._take(await layer.receive(name))
            except (RedisError, OSError) as error:
                if not away:
                    logger.warning("streams are not heard of: %s", error)
                away = True
                self._tried.set()
            await asyncio.sleep(RETRY_S)

    async def _take(self, message: StreamChanged | ChannelClosed) -> None:
        if message["type"] == "channel.closed":
            self._close(cast("ChannelClosed", message))
        else:
            await self._changed(cast("StreamChanged", message))

    def _close(self, message: ChannelClosed) -> None:
        self._forget_room(message["channel"])
        self._hub.close_room(message["channel"])
        if message["user"]:
            self._hub.turn_out(message["user"])

    async def _changed(self, message: StreamChanged) -> None:
        channel, stream = message["channel"], message["stream"]
        self._hub.tell(channel, dumps({"type": "stream", "stream": stream}))
        if message["news"]:
            await self._announce(channel, stream)

    async def _announce(self, channel: str, stream: dict[str, Any]) -> None:
        frame = Frame(dumps({"type": "live", "login": stream["channel"], "title": stream["title"]}))
        for number, outbox in enumerate(list(self._followers.get(channel, ())), start=1):
            outbox.put_frame(frame)
            if number % SLICE == 0:
                await asyncio.sleep(0)
