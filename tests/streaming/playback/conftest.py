"""The playback application on a real bus, and a broadcast to play."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from streaming.bus.redis import AsyncValkey
from streaming.playback.app import create_app
from tests.streaming.playback.publisher import Publisher

BROADCAST = "0198c0de-0000-7000-8000-000000000001"


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[AsyncValkey]:
    valkey = AsyncValkey(bus_url)
    yield valkey
    await valkey.aclose()


@pytest.fixture
async def state(state_url: str) -> AsyncIterator[AsyncValkey]:
    valkey = AsyncValkey(state_url)
    yield valkey
    await valkey.aclose()


@pytest.fixture
async def publisher(bus: AsyncValkey) -> Publisher:
    return Publisher(bus, BROADCAST)


@pytest.fixture
async def player(bus_url: str, state_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose URLs are relative to the broadcast."""
    app = create_app(bus_url=bus_url, state_url=state_url)
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 1))
    base = f"http://test/streams/{BROADCAST}/"
    async with app.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client
