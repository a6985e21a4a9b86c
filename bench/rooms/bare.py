"""No server, but what every server must do: one system call for each frame and socket.

python -m bench.rooms.bare PORT VALKEY
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import sys
from typing import cast

import uvloop
from redis.asyncio import Redis

from chat.hub.frame import Frame

KEY = re.compile(rb"sec-websocket-key: *(\S+)", re.IGNORECASE)
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Socket(asyncio.Protocol):
    """Answers the handshake, and hears nothing after it."""

    def __init__(self, room: set[int]) -> None:
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._number: int = transport.get_extra_info("socket").fileno()

    def data_received(self, data: bytes) -> None:
        if key := KEY.search(data):
            accepted = base64.b64encode(hashlib.sha1(key[1] + MAGIC, usedforsecurity=False).digest())
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
            )
            self._room.add(self._number)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the shape of a protocol
        self._room.discard(self._number)


async def main(port: int, valkey: str) -> None:
    room: set[int] = set()
    await asyncio.get_running_loop().create_server(lambda: Socket(room), "127.0.0.1", port)
    async with Redis(unix_socket_path=valkey).pubsub() as feed:
        await feed.subscribe("bench")
        async for message in feed.listen():
            if message["type"] == "message":
                frame = Frame(message["data"].decode()).wire
                for number in room:
                    os.write(number, frame)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
