"""An ingest server in the test's own process, on a free port, with real bus and database."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest_asyncio
from channels.db import database_sync_to_async

from streaming.bus import events, reading
from streaming.bus.errors import BusUnavailable
from streaming.bus.redis import AsyncValkey
from streaming.ingest.clock import Clock
from streaming.ingest.door import Door
from streaming.ingest.limits import AddressBook, Limits
from streaming.ingest.reconnections import Reconnections
from streaming.ingest.server import IngestServer
from streaming.ingest.strain import Strain
from streaming.media import Chunk, Description
from streaming.models import Broadcast

from .encoder import Encoder

GRACE = 60.0
PATIENCE = 10.0


class Time:
    """A monotonic clock that runs, and can be moved."""

    def __init__(self) -> None:
        self.moved = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.moved


@dataclass
class Ingest:
    """The server, and what a test wants to know of what it did."""

    port: int
    time: Time
    valkey: AsyncValkey
    door: Door
    reconnections: Reconnections
    strain: Strain
    _read: bytes = b"0-0"
    _heard: list[events.Event] = field(default_factory=list)
    _encoders: list[Encoder] = field(default_factory=list)

    async def connect(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> Encoder:
        """An encoder that has shaken hands."""
        encoder = await Encoder.connect(port or self.port, tls=tls)
        self._encoders.append(encoder)
        return encoder

    async def live(self, key: str) -> Encoder:
        """An encoder that may publish."""
        encoder = await self.connect()
        assert await encoder.publish(key) == "NetStream.Publish.Start", encoder.client.statuses()
        return encoder

    async def hang_up(self) -> None:
        for encoder in self._encoders:
            await encoder.close()

    async def hears(
        self, kind: type[events.BroadcastEvent], is_it: Callable[[events.BroadcastEvent], bool] = lambda _: True
    ) -> str:
        """Waits for the next event of this kind on the bus: the broadcast it is about."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while self._heard:
                    event = self._heard.pop(0)
                    if isinstance(event, kind) and is_it(event):
                        return event.broadcast
                with suppress(BusUnavailable):  # where a test restarts it
                    await self._listen()

    async def _listen(self) -> None:
        for entry, found in await self.valkey.run(events.read_events(self._read, block_ms=200)):
            self._read = entry
            if found is not None:
                self._heard.append(found)

    def forget(self) -> None:
        """Read events from their beginning: the bus is another one."""
        self._read = b"0-0"
        self._heard.clear()

    async def opens(self, msn: int) -> str:
        """Waits until segment `msn` of the leading rendition was opened."""
        return await self.hears(events.SegmentOpened, lambda event: getattr(event, "msn", -1) == msn)

    async def chunks(self, broadcast: str, rendition: str) -> list[Chunk]:
        """All chunks of a rendition that the bus has."""
        found = await self.valkey.run(reading.chunks(broadcast, {rendition: b"0"}, block_ms=0, count=100_000))
        return [chunk for _, chunk in found.get(rendition, [])]

    async def description(self, broadcast: str) -> Description:
        description = await self.valkey.run(reading.description(broadcast))
        assert description is not None
        return description

    @database_sync_to_async
    def broadcast(self, pk: str) -> Broadcast:
        return Broadcast.objects.get(pk=pk)

    @database_sync_to_async
    def broadcasts(self) -> list[Broadcast]:
        return list(Broadcast.objects.order_by("started_at"))


@pytest_asyncio.fixture
async def valkey(bus_url: str) -> AsyncIterator[AsyncValkey]:
    client = AsyncValkey(bus_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def ingest(valkey: AsyncValkey) -> AsyncIterator[Ingest]:
    time = Time()
    clock, limits = Clock(monotonic=time), Limits()
    addresses = AddressBook(limits, time)
    reconnections = Reconnections(valkey=valkey, clock=clock, grace=GRACE)
    strain = Strain(time)
    door = Door(valkey=valkey, clock=clock, addresses=addresses, reconnections=reconnections, strain=strain)
    server = IngestServer(open_publisher=door.open, addresses=addresses, limits=limits)
    async with server.listening("127.0.0.1", 0) as port:
        running = Ingest(port, time, valkey, door, reconnections, strain)
        yield running
        await running.hang_up()
