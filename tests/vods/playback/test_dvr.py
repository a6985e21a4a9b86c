"""A broadcast from its start, while it is on: over the archive and the bus."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from fractions import Fraction

import httpx
import pytest
import pytest_asyncio
from channels.db import database_sync_to_async as in_thread

from streaming.bus import publication
from streaming.bus.layout import Call, key, nothing
from streaming.media import AUDIO, SOURCE
from streaming.models import Broadcast
from streaming.playback.answers import ARCHIVED
from streaming.playback.app import create_app
from streaming.playback.archive import Archived
from streaming.playback.dvr import beside
from tests.settings import BUS_URL, STATE_URL
from tests.streaming.cmaf.clips import AAC, Clip, audio_input, make, video_input, x264
from tests.vods.onair import House, OnAir
from tests.workers.ledger.conftest import later
from vods.models import Bundle, Visibility, Vod
from vods.playback.recordings import Recordings
from vods.services.settings import change_settings


@pytest_asyncio.fixture
async def player(live: Broadcast, bus_url: str, state_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on the broadcast; no answer is remembered, so that tests need not wait."""
    ticks = iter(range(10**9))
    app = create_app(bus_url=BUS_URL, state_url=STATE_URL, archive=Recordings(lambda: 1_000.0 * next(ticks)))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=f"http://test/streams/{live.pk}/") as client,
    ):
        yield client


def msns(playlist: str) -> list[int]:
    return [int(found) for found in re.findall(r"^(\d+)\.m4s$", playlist, re.MULTILINE)]


def media_of(air: OnAir, rendition: str, msn: int) -> bytes:
    return b"".join(chunk.data for chunk in air.packed.segments(rendition)[msn])


async def test_it_grows_from_its_start_over_archive_and_bus(
    player: httpx.AsyncClient, air: OnAir, clip: Clip, house: House
) -> None:
    await in_thread(air.send)(clip)
    from_bus = (await player.get("source/dvr.m3u8")).text
    assert msns(from_bus) == list(range(12))
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in from_bus
    assert "#EXT-X-ENDLIST" not in from_bus
    await in_thread(house.sweep)()
    assert (await player.get("source/dvr.m3u8")).text == from_bus  # what was served never changes
    manifest = (await player.get("dvr.m3u8")).text
    assert re.findall(r"^[^#].*$", manifest, re.MULTILINE) == ["source/dvr.m3u8", "audio/dvr.m3u8"]
    event = await in_thread(air.end)()
    async with asyncio.timeout(10):  # the follower looks once a second
        while "#EXT-X-ENDLIST" not in (ended := (await player.get("source/dvr.m3u8")).text):
            pass
    assert ended.startswith(from_bus)
    await in_thread(house.hear)(event)
    assert (await player.get("source/dvr.m3u8")).text == ended


async def test_segments_keep_their_addresses_when_the_bus_has_dropped_them(
    player: httpx.AsyncClient, air: OnAir, clip: Clip, house: House
) -> None:
    await in_thread(air.send)(clip)
    await in_thread(house.sweep)()
    for name in (SOURCE, AUDIO):
        await in_thread(air.bus.run)(forget(air, name))
    await in_thread(air.bus.run)(Call(("DEL", key(str(air.broadcast), "init", SOURCE)), nothing))
    for name in (SOURCE, AUDIO):
        for msn in (0, 9):
            answer = await player.get(f"{name}/{msn}.m4s")
            assert answer.content == media_of(air, name, msn)
            assert answer.headers["cache-control"] == ARCHIVED
    assert (await player.get("source/10.m4s")).status_code == 404
    assert (await player.get("source/init-0.mp4")).content == air.packed.inits[SOURCE][0].data
    assert (await player.get("source/init-7.mp4")).status_code == 404


async def test_a_channel_may_do_without(player: httpx.AsyncClient, air: OnAir, clip: Clip, live: Broadcast) -> None:
    await in_thread(change_settings)(channel=live.channel, dvr=False)
    await in_thread(air.send)(clip)
    assert (await player.get("dvr.m3u8")).status_code == 404
    assert (await player.get("source/dvr.m3u8")).status_code == 404
    assert (await player.get("source/index.m3u8")).status_code == 200


async def test_what_became_private_has_no_media_here(
    player: httpx.AsyncClient, air: OnAir, clip: Clip, house: House
) -> None:
    await in_thread(air.send)(clip)
    await in_thread(house.hear)(await in_thread(air.end)())
    await in_thread(air.bus.run)(forget(air, SOURCE))
    assert (await player.get("source/0.m4s")).status_code == 200
    await in_thread(Vod.objects.update)(visibility=Visibility.PRIVATE)
    assert (await player.get("source/0.m4s")).status_code == 404


async def test_a_run_that_was_overtaken_is_waited_for(
    player: httpx.AsyncClient, air: OnAir, clip: Clip, house: House
) -> None:
    await in_thread(air.send)(clip)
    await in_thread(air.reconnect)(after_ms=1_000)
    await in_thread(air.send)(clip)
    await in_thread(house.sweep)()
    await in_thread(Bundle.objects.filter(first_msn=10).delete)()
    playlist = (await player.get("source/dvr.m3u8")).text
    assert "#EXT-X-GAP" not in playlist
    assert msns(playlist)[:20] == list(range(20))  # the bus has it still


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """High enough for a rung below it; 12 s in segments of 2 s."""
    folder = tmp_path_factory.mktemp("wide")
    return make(
        folder / "clip.flv",
        *video_input(size="320x180", seconds=12),
        *audio_input(seconds=12),
        *x264(60),
        *AAC,
    )


async def test_the_ladder_is_there_where_it_ran(
    player: httpx.AsyncClient, air: OnAir, wide: Clip, house: House
) -> None:
    await in_thread(air.send)(wide)
    assert "160p" not in (await player.get("dvr.m3u8")).text
    assert (await player.get("160p/dvr.m3u8")).status_code == 404
    for msn in (1, 2):  # the source stands for what workers would have made of it
        await in_thread(run_rung)(air, msn)
    async with asyncio.timeout(10):  # the follower looks once a second
        while "160p" not in (manifest := (await player.get("dvr.m3u8")).text):
            pass
    assert re.findall(r"^[^#].*$", manifest, re.MULTILINE) == ["source/dvr.m3u8", "160p/dvr.m3u8", "audio/dvr.m3u8"]
    begun = (await player.get("160p/dvr.m3u8")).text
    # Segment 4 is the newest that is whole; it and the one before it may still come.
    assert msns(begun) == [0, 1, 2]
    assert gaps(begun) == [0]
    assert re.findall(r'EXT-X-MAP:URI="(.+)"', begun) == [f"init-{RUNG_INIT}.mp4"]
    await in_thread(house.sweep)()
    assert (await player.get("160p/dvr.m3u8")).text == begun
    event = await in_thread(air.end)()
    async with asyncio.timeout(10):
        while "#EXT-X-ENDLIST" not in (ended := (await player.get("160p/dvr.m3u8")).text):
            pass
    assert ended.startswith(begun)
    assert (msns(ended), gaps(ended)) == ([0, 1, 2, 3, 4, 5], [0, 3, 4, 5])
    await in_thread(house.hear)(event)
    await in_thread(later)(20)
    await in_thread(house.sweep)()  # archives the end of the ladder
    await in_thread(air.bus.run)(forget(air, "160p"))
    assert (await player.get("160p/1.m4s")).content == media_of(air, SOURCE, 1)


RUNG_INIT = 7


def run_rung(air: OnAir, msn: int) -> None:
    """Publishes a segment of 160p."""
    name = str(air.broadcast)
    air.bus.run(publication.put_init(name, "160p", air.packed.inits[SOURCE][0].data, number=RUNG_INIT))
    chunks = [replace(chunk, init=RUNG_INIT) for chunk in air.packed.segments(SOURCE)[msn]]
    air.bus.run(publication.append(name, air.token, "160p", chunks, leading=False))


def gaps(playlist: str) -> list[int]:
    return [int(found) for found in re.findall(r"EXT-X-GAP\n#EXTINF:.*\n(\d+)\.m4s", playlist)]


def segment(msn: int, *, init: int = 0) -> Archived:
    return Archived(msn, msn * 100, 100, msn * 1000, 0, init, gap=False)


def test_what_a_rendition_has_not_made_is_gap_of_the_leading_one_s_times_until_it_may_still_come() -> None:
    leading = [segment(msn) for msn in range(8)]
    made = {msn: replace(segment(msn, init=9), dts=msn * 200, duration=200) for msn in (2, 4)}
    found = beside(made, leading, scale=Fraction(2), settled=False)
    assert [(one.msn, one.gap) for one in found] == [(0, True), (1, True), (2, False), (3, True), (4, False), (5, True)]
    assert [(one.dts, one.duration) for one in found] == [(msn * 200, 200) for msn in range(6)]
    assert {one.init for one in found} == {9}
    assert len(beside(made, leading, scale=Fraction(2), settled=True)) == 8
    assert beside({}, leading, scale=Fraction(2), settled=True) == []


def forget(air: OnAir, rendition: str) -> Call[None]:
    return Call(("XTRIM", key(str(air.broadcast), "chunks", rendition), "MAXLEN", 0), nothing)
