"""A media bus that loses its memory in mid-broadcast."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from streaming.bus import events, reading
from streaming.bus.redis import AsyncValkey
from streaming.media import AUDIO, SOURCE, BroadcastState
from tests.engines import FragileBus

from .clips import moved, tags, until
from .conftest import Ingest
from .encoder import Encoder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fragile(session_folder: Path) -> Iterator[FragileBus]:
    bus = FragileBus(session_folder)
    bus.start()
    yield bus
    bus.stop()


@pytest_asyncio.fixture
async def valkey(fragile: FragileBus) -> AsyncIterator[AsyncValkey]:
    client = AsyncValkey(fragile.url)
    yield client
    await client.aclose()


async def test_ingest_goes_on_from_the_next_keyframe(
    ingest: Ingest, fragile: FragileBus, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = await ingest.live(key)
    await encoder.tags(tags())
    broadcast = await ingest.opens(2)
    before = {name: (await ingest.chunks(broadcast, name))[-1] for name in (SOURCE, AUDIO)}

    fragile.stop()
    await encoder.tags(moved(tags(), 5_000))
    fragile.start()
    ingest.forget()
    sending = asyncio.create_task(keep_sending(encoder, 10_000))
    try:
        assert await ingest.hears(events.BroadcastResumed) == broadcast
        await ingest.hears(events.SegmentOpened)
    finally:
        sending.cancel()

    for name, last in before.items():
        first = (await ingest.chunks(broadcast, name))[0]
        assert first.msn > last.msn
        assert first.discontinuity == last.discontinuity + 1
        assert first.init > last.init
        assert first.dts >= last.dts + last.duration
        assert await ingest.valkey.run(reading.init_section(broadcast, name, first.init))
    assert (await ingest.description(broadcast)).state is BroadcastState.LIVE
    assert broadcast in await ingest.valkey.run(reading.leases())
    assert "the bus failed" in caplog.text
    assert "the bus is back" in caplog.text


async def keep_sending(encoder: Encoder, start: int) -> None:
    """A second of media at a time, as fast as it is taken."""
    for at in range(start, start + 3_600_000, 1_000):
        await encoder.tags(moved(until(tags(), 1_000), at))
        await asyncio.sleep(0.05)


async def test_a_broadcast_that_waits_for_its_encoder_survives_it_too(
    ingest: Ingest, fragile: FragileBus, key: str
) -> None:
    encoder = await ingest.live(key)
    await encoder.tags(tags())
    broadcast = await ingest.opens(2)
    await encoder.close()
    await ingest.hears(events.BroadcastReconnecting)
    last = (await ingest.chunks(broadcast, SOURCE))[-1]

    fragile.stop()
    await ingest.reconnections.tick()
    fragile.start()
    ingest.forget()
    await ingest.reconnections.tick()
    assert await ingest.hears(events.BroadcastReconnecting) == broadcast
    assert (await ingest.description(broadcast)).state is BroadcastState.RECONNECTING

    again = await ingest.live(key)
    await again.tags(tags())
    assert await ingest.hears(events.BroadcastResumed) == broadcast
    await ingest.hears(events.SegmentOpened)
    first = (await ingest.chunks(broadcast, SOURCE))[0]
    assert (first.msn, first.discontinuity) == (last.msn + 1, last.discontinuity + 1)


async def test_the_first_encoder_after_a_restart_is_let_in(ingest: Ingest, fragile: FragileBus, key: str) -> None:
    first = await ingest.live(key)
    await first.tags(tags())
    broadcast = await ingest.opens(2)
    await first.close()
    await ingest.hears(events.BroadcastReconnecting)
    fragile.stop()
    fragile.start()
    await ingest.live(key)
    assert (await ingest.broadcast(broadcast)).state == BroadcastState.LIVE
