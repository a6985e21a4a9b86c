"""Playback while a Valkey is at its memory bound."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from streaming.bus.layout import Call, nothing
from streaming.bus.redis import AsyncValkey
from tests.streaming.bus.chunks import segment
from tests.streaming.playback.publisher import Publisher

REPORT = {"viewer": "0123456789abcdef", "rendition": "480p"}
Fill = Callable[[AsyncValkey], Awaitable[None]]


@pytest.fixture
async def fill() -> AsyncIterator[Fill]:
    """Brings a Valkey to its bound until the test ends."""
    bounds: list[tuple[AsyncValkey, bytes]] = []

    async def fill(valkey: AsyncValkey) -> None:
        bounds.append((valkey, (await valkey.run(Call(("CONFIG", "GET", "maxmemory"), list)))[1]))
        await valkey.run(Call(("CONFIG", "SET", "maxmemory", "1"), nothing))

    yield fill
    for valkey, bound in bounds:
        await valkey.run(Call(("CONFIG", "SET", "maxmemory", bound), nothing))


async def test_a_full_bus_plays_on(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey, fill: Fill
) -> None:
    await publisher.go_live()
    assert (await player.get("source/index.m3u8")).status_code == 200
    await fill(bus)
    await publisher.put(segment(3))
    assert (await player.get("source/index.m3u8?_HLS_msn=3")).status_code == 200
    assert (await player.get("source/3.m4s")).status_code == 200
    assert (await player.post("heartbeat", json=REPORT)).json() == {"state": "live", "viewers": 1}


async def test_viewers_play_on_uncounted_while_the_state_is_full(
    player: httpx.AsyncClient, publisher: Publisher, state: AsyncValkey, fill: Fill
) -> None:
    await publisher.go_live()
    await fill(state)
    assert (await player.post("heartbeat", json=REPORT)).json() == {"state": "live", "viewers": 0}
