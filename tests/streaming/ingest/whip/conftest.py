"""The WHIP server beside the RTMP one of the tests, on a free port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest_asyncio

from streaming.ingest.clock import Clock
from streaming.ingest.limits import AddressBook, Limits
from streaming.ingest.whip.app import create_app
from streaming.ingest.whip.server import listening
from streaming.ingest.whip.sessions import Sessions
from tests.streaming.ingest.conftest import Ingest

from .encoder import WhipEncoder

LIMITS = Limits(connections_per_address=3, setup=5.0)


@dataclass
class Whip:
    """The endpoint, and the ingest behind it."""

    url: str
    ingest: Ingest
    sessions: Sessions
    _encoders: list[WhipEncoder] = field(default_factory=list)

    def encoder(self, key: str) -> WhipEncoder:
        self._encoders.append(WhipEncoder(self.url, key))
        return self._encoders[-1]

    async def hang_up(self) -> None:
        for encoder in self._encoders:
            await encoder.close()


@pytest_asyncio.fixture
async def whip(ingest: Ingest) -> AsyncIterator[Whip]:
    clock: Callable[[], float] = ingest.time
    sessions = Sessions(
        open_publisher=ingest.door.open,
        addresses=AddressBook(LIMITS, clock),
        limits=LIMITS,
        clock=Clock(monotonic=clock),
    )
    app = create_app(sessions, ice_servers=["stun:stun.example.org:3478", "turn:me:secret@turn.example.org:3478"])
    addresses = AddressBook(LIMITS, clock)
    async with sessions.running(), listening(app, "127.0.0.1", 0, addresses=addresses) as port:
        running = Whip(f"http://127.0.0.1:{port}/whip", ingest, sessions)
        yield running
        await running.hang_up()
