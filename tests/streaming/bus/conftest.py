"""A media bus to call, and chunks to put on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from streaming.bus.redis import AsyncValkey, Valkey


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[AsyncValkey]:
    valkey = AsyncValkey(bus_url)
    yield valkey
    await valkey.aclose()


@pytest.fixture
def thread_bus(bus_url: str) -> Iterator[Valkey]:
    valkey = Valkey(bus_url)
    yield valkey
    valkey.close()
