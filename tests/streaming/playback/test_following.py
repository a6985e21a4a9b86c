from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from streaming.bus import publication
from streaming.bus.redis import AsyncValkey
from streaming.media import AUDIO, SOURCE, Closes
from streaming.playback.app import create_app
from streaming.playback.bodies import Bodies
from streaming.playback.errors import TooBusy, UnknownBroadcast
from streaming.playback.follower import IDLE_S, Follower
from streaming.playback.following import Following
from tests import engines
from tests.streaming.bus.chunks import chunk, segment
from tests.streaming.playback.conftest import BROADCAST
from tests.streaming.playback.publisher import Publisher


class Clock:
    """Seconds that pass when a test says so."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def gone(following: Following) -> None:
    async with asyncio.timeout(5):
        await asyncio.gather(*following._tasks.values())


async def test_what_nobody_asks_for_is_let_go(bus: AsyncValkey, publisher: Publisher) -> None:
    await publisher.go_live()
    bodies, clock = Bodies(), Clock()
    following = Following(bus, bodies, clock)
    follower = await following.follower(BROADCAST)
    await follower.followed(SOURCE)
    await publisher.put(segment(3))
    await follower.wait(SOURCE, lambda one: 3 in one.window.segments, within=5, what="segment")
    assert bodies.size > 0
    clock.now += IDLE_S
    await gone(following)
    assert bodies.size == 0
    assert not following._followers


async def test_a_rendition_nobody_asks_for_is_let_go_alone(bus: AsyncValkey, publisher: Publisher) -> None:
    await publisher.go_live()
    clock = Clock()
    following = Following(bus, Bodies(), clock)
    follower = await following.follower(BROADCAST)
    await follower.followed(SOURCE)
    clock.now += IDLE_S / 2
    audio = await follower.followed(AUDIO)
    clock.now += IDLE_S / 2
    await publisher.put([chunk(3, 0)])  # the follower looks up from its read
    await follower.wait(AUDIO, lambda one: 3 in one.window.segments, within=5, what="segment")
    await publisher.put([chunk(3, 1)])
    await follower.wait(AUDIO, lambda one: one.window.part(3, 1) is not None, within=5, what="part")
    assert follower.renditions == {AUDIO: audio}
    await following.aclose()


async def test_one_follower_serves_all(bus: AsyncValkey, publisher: Publisher) -> None:
    await publisher.go_live()
    following = Following(bus, Bodies(), Clock())
    followers = await asyncio.gather(*(following.follower(BROADCAST) for _ in range(20)))
    assert len(set(followers)) == 1
    assert len(following._tasks) == 1
    await following.aclose()


async def test_unknown_broadcasts_leave_nothing(bus: AsyncValkey) -> None:
    following = Following(bus, Bodies(), Clock())
    with pytest.raises(UnknownBroadcast):
        await following.follower("nobody")
    assert not following._followers


async def test_the_number_of_broadcasts_is_bounded(
    bus: AsyncValkey, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publisher.go_live()
    monkeypatch.setattr("streaming.playback.following.BROADCASTS", 1)
    following = Following(bus, Bodies(), Clock())
    await following.follower(BROADCAST)
    with pytest.raises(TooBusy):
        await following.follower("another")
    await following.aclose()


async def test_a_rendition_that_stopped_is_called_for_again(bus: AsyncValkey, publisher: Publisher) -> None:
    await publisher.go_live()
    await publisher.run_rendition("480p", 2)
    await publisher.put(segment(2), "480p")
    clock = Clock()
    following = Following(bus, Bodies(), clock)
    follower = await following.follower(BROADCAST)
    first = await follower.followed("480p")
    assert first.timeline.has_begun
    await publisher.stop_rendition("480p")
    clock.now += 2
    again = await follower.wait("480p", lambda one: one is not first, within=5, what="rendition")
    assert again.runs_from is None
    assert not again.timeline.has_begun
    await following.aclose()


async def test_the_end_is_taken_in_behind_all_that_came_before_it(bus: AsyncValkey, publisher: Publisher) -> None:
    await publisher.go_live()
    follower = Follower(bus, BROADCAST, Bodies(), Clock())
    await follower.open()
    source = await follower.followed(SOURCE)
    await publisher.put([*segment(3), chunk(4, 0)])
    await bus.run(publication.end(BROADCAST))
    await follower._refresh()  # hears of the end before it has read what came last
    assert source.timeline.ended
    assert source.timeline.newest == (4, 0)
    assert list(source.window.segments) == [0, 1, 2, 3, 4]


async def test_ended_followers_leave_no_task_behind(bus: AsyncValkey, publisher: Publisher) -> None:
    await publisher.go_live()
    before = len(asyncio.all_tasks())
    following = Following(bus, Bodies(), Clock())
    follower = await following.follower(BROADCAST)
    await follower.followed(SOURCE)
    await asyncio.sleep(0)
    await following.aclose()
    await asyncio.wait_for(asyncio.gather(*follower._abandoned, return_exceptions=True), 3)
    assert len(asyncio.all_tasks()) == before


async def test_a_bus_that_restarts_is_played_on(session_folder: object, state_url: str) -> None:
    valkey = engines.valkey(session_folder, "short")  # type: ignore[arg-type]
    valkey.prepare()
    url = f"unix://{valkey.socket}"
    app = create_app(bus_url=url, state_url=state_url)
    bus = AsyncValkey(url)
    publisher = Publisher(bus, BROADCAST)
    transport = httpx.ASGITransport(app)
    base = f"http://test/streams/{BROADCAST}/source/"
    async with app.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=base) as player:
        with engines.running(valkey.program()):
            await publisher.go_live()
            await player.get("index.m3u8")
            await publisher.put(segment(3))
            before = await player.get("index.m3u8?_HLS_msn=3")
            assert before.status_code == 200
            await publisher.put([replace(chunk(4, 0), closes=Closes.NOTHING)])
            await player.get("index.m3u8")
            reload = asyncio.create_task(player.get("index.m3u8?_HLS_msn=5&_HLS_part=0"))
        # Without a bus, what players have already stays.
        assert (await player.get("index.m3u8")).text == before.text
        assert (await player.get("3.1.m4s")).content == chunk(3, 1).data
        assert (await player.get("1.m4s")).json()["code"] == "bus_unavailable"
        with engines.running(valkey.program()):
            assert (await player.get("../status")).json()["state"] == "live"
            publisher.token = (await publication.take(bus, BROADCAST, ingest="test")).token
            await publisher.describe()
            await publisher.put(segment(5, discontinuity=1)[:2])
            after = (await asyncio.wait_for(reload, 5)).text
            assert "4.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME" in after
            assert (await player.get("4.m4s")).content == chunk(4, 0).data  # cut off, and only here
            assert (await player.get("5.0.m4s")).content == chunk(5, 0).data
            assert (await player.get("0.m4s")).status_code == 404
    await bus.aclose()
