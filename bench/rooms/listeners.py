"""Many sockets in one room, in a process of their own: counts every delivery of every message.

python -m bench.rooms.listeners PORT SOCKETS

Says `ready` when all are connected; after a line on stdin it says, as one line of JSON, what came: `deliveries`,
`doubled`, and for each offset how many sockets got it and when the last did (Unix seconds).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import struct
import sys
import time

OFFSET = re.compile(rb'"offset":(\d+)')
CONNECTING_AT_ONCE = 20


class Listener(asyncio.Protocol):
    """One socket: as little work as counting allows, for it shares the machine with the server."""

    def __init__(self, port: int, tally: Tally) -> None:
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._port = port
        self._tally = tally
        self._buffer = b""
        self._last = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /ws/chat/bench/?history=0 HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.upgraded.done():
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head:
                self.upgraded.set_exception(ConnectionError(head[:200].decode()))
                return
            self._buffer = rest
            self.upgraded.set_result(None)
        while (frame := self._frame()) is not None:
            if b'"type":"welcome"' not in frame:
                self._count(frame)

    def connection_lost(self, error: Exception | None) -> None:
        self._tally.lost += 1
        if not self.upgraded.done():
            self.upgraded.set_exception(error or ConnectionError("hung up"))

    def _frame(self) -> bytes | None:
        """The next frame's payload; servers don't mask (RFC 6455, 5.1)."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, at = buffer[1], 2
        if length == 126:
            if len(buffer) < 4:
                return None
            (length,), at = struct.unpack_from(">H", buffer, 2), 4
        elif length == 127:
            if len(buffer) < 10:
                return None
            (length,), at = struct.unpack_from(">Q", buffer, 2), 10
        if len(buffer) < at + length:
            return None
        self._buffer = buffer[at + length :]
        return buffer[at : at + length]

    def _count(self, frame: bytes) -> None:
        now = time.time()
        tally = self._tally
        tally.frames += 1
        for match in OFFSET.findall(frame):
            offset = int(match)
            if offset <= self._last:
                tally.doubled += 1
                continue
            self._last = offset
            tally.counts[offset] = tally.counts.get(offset, 0) + 1
            tally.last_at[offset] = now


class Tally:
    """What all sockets got."""

    def __init__(self) -> None:
        self.frames = 0
        self.doubled = 0
        self.lost = 0
        self.counts: dict[int, int] = {}
        self.last_at: dict[int, float] = {}


async def listen(port: int, sockets: int) -> None:
    loop = asyncio.get_running_loop()
    tally = Tally()
    began = time.perf_counter()
    for first in range(0, sockets, CONNECTING_AT_ONCE):
        pairs = await asyncio.gather(
            *(
                loop.create_connection(lambda: Listener(port, tally), "127.0.0.1", port)
                for _ in range(first, min(sockets, first + CONNECTING_AT_ONCE))
            )
        )
        await asyncio.gather(*(listener.upgraded for _, listener in pairs))
    print(json.dumps({"ready": time.perf_counter() - began}), flush=True)
    while (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        told = {
            "frames": tally.frames,
            "doubled": tally.doubled,
            "lost_sockets": tally.lost,
            "deliveries": sum(tally.counts.values()),
            "counts": tally.counts,
            "last_at": tally.last_at,
        }
        print(json.dumps(told), flush=True)
        tally.frames = tally.doubled = 0
        tally.counts, tally.last_at = {}, {}


if __name__ == "__main__":
    asyncio.run(listen(int(sys.argv[1]), int(sys.argv[2])))
