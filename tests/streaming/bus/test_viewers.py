from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streaming.bus import viewers
from streaming.bus.layout import Call
from streaming.bus.redis import AsyncValkey

NOW = 1_700_000_000_000


@pytest.fixture
async def state(state_url: str) -> AsyncIterator[AsyncValkey]:
    valkey = AsyncValkey(state_url)
    yield valkey
    await valkey.aclose()


async def beat(
    state: AsyncValkey, viewer: str, at_ms: int, *, rendition: str = "source", address: str = "192.0.2.1"
) -> bool:
    report = viewers.Report(viewer, rendition, latency_ms=1_500, stalls=1, errors=0)
    return await state.run(viewers.beat("b", report, address=address, now_ms=at_ms))


async def test_ten_tabs_of_one_person_are_one(state: AsyncValkey) -> None:
    for tab in range(10):
        await beat(state, "ann", NOW + tab * 900)
    assert await state.run(viewers.count("b", now_ms=NOW + 9_000)) == 1


async def test_a_viewer_counts_at_once(state: AsyncValkey) -> None:
    await beat(state, "ann", NOW)
    assert await state.run(viewers.count("b", now_ms=NOW)) == 1


@pytest.mark.parametrize("phase", range(0, 2_000, 250))
async def test_who_reports_each_ten_seconds_never_drops_out(state: AsyncValkey, phase: int) -> None:
    await beat(state, "ann", NOW + phase)
    for late_ms in range(0, 12_000, 100):
        assert await state.run(viewers.count("b", now_ms=NOW + phase + late_ms)) == 1


@pytest.mark.parametrize("phase", range(0, 2_000, 250))
async def test_who_left_is_gone_after_fourteen_seconds(state: AsyncValkey, phase: int) -> None:
    await beat(state, "ann", NOW + phase)
    assert await state.run(viewers.count("b", now_ms=NOW + phase + 14_000)) == 0


async def test_thousands_are_counted_to_a_few_percent(state: AsyncValkey) -> None:
    report = [viewers.Report(f"viewer-{number}", "source") for number in range(3_000)]
    await state.run_all([viewers.beat("b", one, address=f"address-{n}", now_ms=NOW) for n, one in enumerate(report)])
    assert await state.run(viewers.count("b", now_ms=NOW)) == pytest.approx(3_000, rel=0.03)


async def test_renditions_are_counted_apart(state: AsyncValkey) -> None:
    await beat(state, "ann", NOW, rendition="source")
    await beat(state, "bob", NOW, rendition="480p")
    await beat(state, "cas", NOW, rendition="480p")
    counts = [viewers.count_of("b", name, now_ms=NOW) for name in ("source", "480p", "160p")]
    assert await state.run_all(counts) == [1, 2, 0]


async def test_a_directory_counts_many_at_once(state: AsyncValkey) -> None:
    await beat(state, "ann", NOW)
    assert await state.run_all(viewers.counts(["b", "other"], now_ms=NOW)) == [1, 0]


async def test_one_address_can_invent_only_so_many_viewers(state: AsyncValkey) -> None:
    counted = [await beat(state, f"bot-{number}", NOW) for number in range(viewers.IDS_PER_ADDRESS + 10)]
    assert counted.count(True) == viewers.IDS_PER_ADDRESS
    assert await beat(state, "bot-0", NOW)
    assert await beat(state, "ann", NOW, address="192.0.2.2")


async def test_who_left_makes_room_behind_an_address_that_is_always_busy(state: AsyncValkey) -> None:
    for number in range(viewers.IDS_PER_ADDRESS):
        await beat(state, f"morning-{number}", NOW)
    for after_ms in range(10_000, 60_000, 10_000):
        await beat(state, "morning-0", NOW + after_ms)
    assert await beat(state, "evening", NOW + 60_000)
    assert await state.run(viewers.count("b", now_ms=NOW + 60_000)) == 2


async def test_quality_is_the_mean_of_the_reports(state: AsyncValkey) -> None:
    await beat(state, "ann", NOW)
    await beat(state, "bob", NOW + 3_000)
    found = await state.run(viewers.quality("b", now_ms=NOW + 3_000))
    assert found == viewers.Quality(reports=2, latency_ms=1_500, stalls=2, errors=0)


async def test_nothing_stays(state: AsyncValkey) -> None:
    await beat(state, "ann", NOW)
    names = await state.run(Call(("KEYS", "*"), list))
    assert len(names) == 4
    assert all(0 < life <= 16_000 for life in await state.run_all([Call(("PTTL", name), int) for name in names]))
