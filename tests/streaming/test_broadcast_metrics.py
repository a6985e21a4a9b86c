"""What a dispatcher tells Prometheus of broadcasts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import redis

from streaming import broadcast_metrics
from streaming.broadcast_metrics import Broadcasts
from streaming.bus import publication, viewers
from streaming.bus.redis import AsyncValkey, Valkey
from streaming.bus.viewers import Report
from streaming.media import BroadcastState
from tests.streaming.playback.publisher import Publisher

NOW_MS = 1_800_000_000_000
BROADCAST = "0198c0de-0000-7000-8000-000000000001"


@pytest.fixture
async def publisher(bus_url: str) -> AsyncIterator[Publisher]:
    valkey = AsyncValkey(bus_url)
    publisher = Publisher(valkey, BROADCAST)
    await publisher.start()
    await publisher.go_live()
    await valkey.run(publication.renew(BROADCAST, publisher.token))
    yield publisher
    await valkey.aclose()


@pytest.fixture
def broadcasts(bus_url: str, state_url: str) -> Broadcasts:
    def client(url: str) -> Valkey:
        return Valkey(url, connections=1, readers=1)

    return Broadcasts(bus=client(bus_url), state=client(state_url), now_ms=lambda: NOW_MS)


def told(broadcasts: Broadcasts) -> dict[tuple[str, ...], float]:
    """Each sample's value, by its name and labels."""
    samples = [sample for family in broadcasts.collect() for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


async def test_a_live_broadcast_with_its_viewers(publisher: Publisher, broadcasts: Broadcasts, state_url: str) -> None:
    await publisher.describe(partner=True)
    state = AsyncValkey(state_url)
    for number in range(3):
        report = Report(f"viewer-{number}", "source", latency_ms=2_000, stalls=number)
        await state.run(viewers.beat(BROADCAST, report, address="192.0.2.1", now_ms=NOW_MS))
    await state.aclose()
    found = told(broadcasts)
    assert found["headrace_broadcasts", "live"] == found["headrace_broadcast_up", BROADCAST] == 1
    assert found["headrace_broadcast_partner", BROADCAST] == 1
    assert found["headrace_broadcast_viewers", BROADCAST] == found["headrace_broadcast_stalls", BROADCAST] == 3
    assert found["headrace_broadcast_latency_seconds", BROADCAST] == 2
    assert 0 <= found["headrace_broadcast_source_age_seconds", BROADCAST] < 60


async def test_one_without_new_chunks_is_stalled(
    publisher: Publisher, broadcasts: Broadcasts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast_metrics, "STALLED_MS", -1)
    found = told(broadcasts)
    assert (found["headrace_broadcasts", "stalled"], found["headrace_broadcast_up", BROADCAST]) == (1, 0)


async def test_one_whose_ingest_is_gone_is_lost(publisher: Publisher, broadcasts: Broadcasts, bus_url: str) -> None:
    with redis.Redis.from_url(bus_url) as client:
        client.zadd("broadcasts", {BROADCAST: 1})
    found = told(broadcasts)
    assert (found["headrace_broadcasts", "lost"], found["headrace_broadcast_up", BROADCAST]) == (1, 0)


async def test_one_whose_encoder_is_away_is_neither_up_nor_down(publisher: Publisher, broadcasts: Broadcasts) -> None:
    await publisher.describe(state=BroadcastState.RECONNECTING)
    found = told(broadcasts)
    assert found["headrace_broadcasts", "reconnecting"] == 1
    assert ("headrace_broadcast_up", BROADCAST) not in found


def test_nothing_is_told_while_the_bus_is_away() -> None:
    away = Valkey("unix:///nowhere/valkey.sock", connections=1, readers=1)
    assert told(Broadcasts(bus=away, state=away, now_ms=lambda: NOW_MS)) == {}
