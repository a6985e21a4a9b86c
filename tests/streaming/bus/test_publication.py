from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streaming.bus import publication, reading
from streaming.bus.epoch import epoch
from streaming.bus.errors import (
    BroadcastEnded,
    BusForgot,
    InitTaken,
    OutOfOrder,
    PublisherRefused,
    StaleToken,
    TooManyInits,
)
from streaming.bus.events import BroadcastHasEnded, SegmentOpened, read_events
from streaming.bus.layout import BROADCASTS, Call, key, nothing
from streaming.bus.redis import AsyncValkey
from streaming.media import AUDIO, SOURCE, BroadcastState, Chunk, Closes, Description
from tests.streaming.bus.chunks import chunk, segment

DESCRIPTION = Description("b", BroadcastState.LIVE, 2, 400, ())


async def events(bus: AsyncValkey) -> list[object]:
    return [event for _, event in await bus.run(read_events(b"0-0", block_ms=1))]


async def put(bus: AsyncValkey, token: str, chunks: list[Chunk], rendition: str = SOURCE) -> None:
    await bus.run(publication.append("b", token, rendition, chunks, leading=rendition == SOURCE))


async def test_chunks_come_back_in_order(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await put(bus, token, segment(3))
    await put(bus, token, [chunk(4, 0)])
    found = await bus.run(reading.chunks("b", {SOURCE: b"0-0"}, block_ms=0))
    assert [chunk for _, chunk in found[SOURCE]] == [*segment(3), chunk(4, 0)]


async def test_a_second_encoder_is_refused_while_the_first_delivers(bus: AsyncValkey) -> None:
    await publication.take(bus, "b", ingest="one")
    with pytest.raises(PublisherRefused) as refusal:
        await publication.take(bus, "b", ingest="two")
    assert refusal.value.holder == "one"
    assert 0 <= refusal.value.quiet_ms < 3_000


async def test_of_many_that_race_one_gets_it(bus: AsyncValkey) -> None:
    outcomes = await asyncio.gather(
        *(publication.take(bus, "b", ingest=str(number)) for number in range(30)), return_exceptions=True
    )
    assert sum(isinstance(outcome, publication.Publication) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, PublisherRefused) for outcome in outcomes) == 29


async def test_a_quiet_publisher_is_taken_over_and_its_token_is_stale(bus: AsyncValkey) -> None:
    old = await publication.take(bus, "b", ingest="one")
    new = await publication.take(bus, "b", ingest="two", quiet_ms=0)
    with pytest.raises(StaleToken) as refusal:
        await put(bus, old.token, [chunk(0, 0)])
    assert refusal.value.newest == new.token
    assert await bus.run(reading.progress("b")) == {}


async def test_media_keeps_a_publisher_from_being_quiet(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await bus.run(publication.release("b", token))
    await put(bus, token, [chunk(0, 0)])
    with pytest.raises(PublisherRefused):
        await publication.take(bus, "b", ingest="two")


async def passes(bus: AsyncValkey, ms: int) -> None:
    """As if the publisher's last media and renewal were so much older."""
    for since in ("media_ms", "renewed_ms"):
        await bus.run(Call(("HINCRBY", key("b", "publisher"), since, -ms), nothing))


async def test_a_publisher_that_is_gone_with_its_host_is_taken_over_before_one_that_is_only_quiet(
    bus: AsyncValkey,
) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await passes(bus, 2_000)
    await bus.run(publication.renew("b", token))
    with pytest.raises(PublisherRefused):
        await publication.take(bus, "b", ingest="two")
    await passes(bus, publication.GONE_MS)
    new = await publication.take(bus, "b", ingest="two")
    with pytest.raises(StaleToken):
        await bus.run(publication.renew("b", token))
    with pytest.raises(PublisherRefused):
        await publication.take(bus, "b", ingest="three")
    await passes(bus, 2_000)
    await put(bus, new.token, [chunk(0, 0)])
    with pytest.raises(PublisherRefused):
        await publication.take(bus, "b", ingest="three")


async def test_a_publisher_that_is_there_and_quiet_is_taken_over_later(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await passes(bus, publication.QUIET_MS)
    await bus.run(publication.renew("b", token))
    assert (await publication.take(bus, "b", ingest="two")).token != token


async def test_after_a_release_the_next_may_publish_at_once(bus: AsyncValkey) -> None:
    old = await publication.take(bus, "b", ingest="one")
    await put(bus, old.token, segment(8))
    await bus.run(publication.release("b", old.token))
    await bus.run(publication.renew("b", old.token))
    new = await publication.take(bus, "b", ingest="two")
    assert new.token != old.token
    assert (new.newest[SOURCE].msn, new.newest[SOURCE].part) == (8, 4)
    assert AUDIO not in new.newest


async def test_only_the_leading_rendition_opens_segments_and_each_once(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await put(bus, token, segment(3), AUDIO)
    await put(bus, token, [chunk(3, 0)])
    await put(bus, token, [chunk(3, 1), chunk(4, 0)])
    first, second = chunk(3, 0), chunk(4, 0)
    assert await events(bus) == [
        SegmentOpened("b", 3, first.dts, first.wall_ms),
        SegmentOpened("b", 4, second.dts, second.wall_ms),
    ]


async def test_progress_tells_the_newest_chunk_and_the_newest_whole_part(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    opening = replace(chunk(3, 0), closes=Closes.NOTHING)
    await put(bus, token, [opening])
    progress = (await bus.run(reading.progress("b")))[SOURCE]
    assert (progress.msn, progress.part, progress.whole_msn, progress.whole_part) == (3, 0, -1, -1)
    await put(bus, token, [replace(chunk(3, 1), closes=Closes.NOTHING)])
    progress = (await bus.run(reading.progress("b")))[SOURCE]
    assert (progress.msn, progress.part, progress.whole_msn, progress.whole_part) == (3, 1, 3, 0)
    assert progress.end_dts == chunk(3, 1).dts + chunk(3, 1).duration


async def test_what_lies_before_the_newest_chunk_is_refused(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await put(bus, token, segment(3))
    with pytest.raises(OutOfOrder) as refusal:
        await put(bus, token, [chunk(3, 3)])
    assert refusal.value.newest.startswith("3 4 ")


async def test_an_ended_broadcast_takes_nothing_more_and_says_so_once(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await bus.run(publication.describe(DESCRIPTION, token))
    await bus.run(publication.renew("b", token))
    assert await bus.run(publication.end("b"))
    assert not await bus.run(publication.end("b"))
    for call in (
        publication.append("b", token, SOURCE, [chunk(0, 0)], leading=True),
        publication.describe(DESCRIPTION, token),
        publication.renew("b", token),
    ):
        with pytest.raises(BroadcastEnded):
            await bus.run(call)
    with pytest.raises(BroadcastEnded):
        await publication.take(bus, "b", ingest="two")
    description = await bus.run(reading.description("b"))
    assert description is not None
    assert description.state is BroadcastState.ENDED
    assert await events(bus) == [BroadcastHasEnded("b")]
    assert await bus.run(reading.leases()) == {}


async def test_a_lease_runs_by_the_clock_of_the_bus(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    earliest = await bus.run(reading.now_ms())
    await bus.run(publication.renew("b", token, lease_ms=5_000))
    latest = await bus.run(reading.now_ms())
    assert earliest + 5_000 <= (await bus.run(reading.leases()))["b"] <= latest + 5_000


async def test_a_bus_without_memory_refuses_the_old_token_and_never_gives_it_again(bus: AsyncValkey) -> None:
    before = await bus.run(epoch())
    old = await publication.take(bus, "b", ingest="one")
    await bus.run(Call(arguments=("FLUSHALL",), parse=nothing))
    with pytest.raises(BusForgot):
        await put(bus, old.token, [chunk(0, 0)])
    new = await publication.take(bus, "b", ingest="one")
    assert new.token != old.token
    assert await bus.run(epoch()) != before


async def test_an_init_section_keeps_its_number(bus: AsyncValkey) -> None:
    number = await bus.run(publication.put_init("b", SOURCE, b"ftyp moov"))
    assert await bus.run(publication.put_init("b", SOURCE, b"ftyp moov")) == number
    assert await bus.run(publication.put_init("b", SOURCE, b"ftyp moov 2")) != number
    assert await bus.run(reading.init_section("b", SOURCE, number)) == b"ftyp moov"
    assert await bus.run(reading.init_section("b", SOURCE, number + 1)) is None


async def test_ingest_numbers_its_own_init_sections(bus: AsyncValkey) -> None:
    for _ in range(2):
        assert await bus.run(publication.put_init("b", SOURCE, b"one", number=0)) == 0
    with pytest.raises(InitTaken):
        await bus.run(publication.put_init("b", SOURCE, b"two", number=0))
    assert await bus.run(reading.init_section("b", SOURCE, 0)) == b"one"


async def test_init_sections_are_bounded(bus: AsyncValkey) -> None:
    await bus.run_all([publication.put_init("b", SOURCE, str(n).encode()) for n in range(publication.INITS)])
    with pytest.raises(TooManyInits):
        await bus.run(publication.put_init("b", SOURCE, b"one more"))
    assert await bus.run(publication.put_init("b", SOURCE, b"0")) >= 0


async def test_every_key_of_a_broadcast_expires(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await bus.run(publication.put_init("b", SOURCE, b"init"))
    await bus.run(publication.describe(DESCRIPTION, token))
    await put(bus, token, segment(0))
    names = [name.decode() for name in await bus.run(Call(("KEYS", "{b}*"), list))]
    lives = await bus.run_all([Call(("PTTL", name), int) for name in names])
    assert len(names) == 7
    assert all(0 < life <= 600_000 for life in lives), dict(zip(names, lives, strict=True))


async def test_health_is_read_back_until_it_is_old(bus: AsyncValkey) -> None:
    await bus.run(publication.publish_health("b", '{"fps":30}'))
    assert await bus.run(reading.health("b")) == b'{"fps":30}'
    assert 0 < await bus.run(Call(("PTTL", "{b}:health"), int)) <= 10_000


async def test_the_broadcasts_zset_holds_who_has_a_lease(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await bus.run(publication.renew("b", token))
    assert await bus.run(Call(("ZCARD", BROADCASTS), int)) == 1
