"""Many sockets in rooms, in a process of their own: counts every delivery of every message.

python -m bench.rooms.listeners PLAN

Says `ready` when all are connected; after a line on stdin it says, as one line of JSON, what came: `deliveries`,
`doubled`, and for each message how many sockets got it and when the last did (Unix seconds). A message's key is its
room's number and its offset.
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
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import uvloop

OFFSET = re.compile(rb'"offset":(\d+)')
PONG = b"\x8a\x80\0\0\0\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who connects where.

    Sockets fill rooms `first_room`, `first_room + 1`, … with `a_room` each; `{room}` in `path` stands for the number.
    `cookies` are worn in turn. `greeting` is a text frame sent first, `ping` a text that is answered by `pong`.
    """

    port: int
    sockets: int
    path: str = "/ws/chat/bench/?history=0"
    first_room: int = 0
    a_room: int = 1_000_000
    cookies: list[str] = field(default_factory=list)
    at_once: int = 20
    greeting: str = ""
    ping: str = ""
    pong: str = ""


class Listener(asyncio.Protocol):
    """One socket: as little work as counting allows, for it shares the machine with the server."""

    def __init__(self, plan: Plan, number: int, tally: Tally) -> None:
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._plan = plan
        self._room = plan.first_room + number // plan.a_room
        self._cookie = plan.cookies[number % len(plan.cookies)] if plan.cookies else ""
        self._tally = tally
        self._buffer = b""
        self._last = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        key = base64.b64encode(os.urandom(16)).decode()
        cookie = f"Cookie: {self._cookie}\r\n" if self._cookie else ""
        transport.write(
            f"GET {self._plan.path.format(room=self._room)} HTTP/1.1\r\nHost: 127.0.0.1:{self._plan.port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n{cookie}\r\n".encode()
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
            if self._plan.greeting:
                self._send(self._plan.greeting)
        while (frame := self._frame()) is not None:
            if self._plan.ping and frame == self._plan.ping.encode():
                self._send(self._plan.pong)
            elif b'"type":"welcome"' not in frame:
                self._count(frame)

    def connection_lost(self, error: Exception | None) -> None:
        self._tally.hung_up += 1
        if not self.upgraded.done():
            self.upgraded.set_exception(error or ConnectionError("hung up"))

    def _send(self, text: str) -> None:
        """A short text frame, masked by zeros (RFC 6455, 5.3)."""
        self._transport.write(bytes((0x81, 0x80 | len(text))) + bytes(4) + text.encode())

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
        if buffer[0] == 0x89:
            self._transport.write(PONG)
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
            key = f"{self._room}:{offset}"
            tally.counts[key] = tally.counts.get(key, 0) + 1
            tally.last_at[key] = now


class Tally:
    """What all sockets got."""

    def __init__(self) -> None:
        self.frames = 0
        self.doubled = 0
        self.hung_up = 0
        self.counts: dict[str, int] = {}
        self.last_at: dict[str, float] = {}


async def listen(plan: Plan) -> None:
    loop = asyncio.get_running_loop()
    tally = Tally()
    began = time.perf_counter()
    numbers = iter(range(plan.sockets))

    async def connect() -> None:
        for number in numbers:
            make = partial(Listener, plan, number, tally)
            _, listener = await loop.create_connection(make, "127.0.0.1", plan.port)
            await listener.upgraded

    await asyncio.gather(*(connect() for _ in range(plan.at_once)))
    print(json.dumps({"ready": time.perf_counter() - began}), flush=True)
    while (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        told = {
            "frames": tally.frames,
            "doubled": tally.doubled,
            "hung_up": tally.hung_up,
            "deliveries": sum(tally.counts.values()),
            "counts": tally.counts,
            "last_at": tally.last_at,
        }
        print(json.dumps(told), flush=True)
        tally.frames = tally.doubled = 0
        tally.counts, tally.last_at = {}, {}


if __name__ == "__main__":
    uvloop.run(listen(Plan(**json.loads(sys.argv[1]))))
