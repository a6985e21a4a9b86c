"""DASH beside HLS: what the manifest offers, and what loading it starts."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

import httpx
import pytest
from django.test import override_settings

from streaming.bus import devices, publication, running
from streaming.bus.demand import REACH
from streaming.bus.events import RenditionWanted, read_events
from streaming.bus.publication import put_init
from streaming.bus.redis import AsyncValkey
from streaming.bus.view import observe
from streaming.media import BroadcastState
from tests.streaming.bus.chunks import segment
from tests.streaming.playback.publisher import Publisher
from tests.streaming.playback.waiting import soon, waiting

DASH = {"d": "urn:mpeg:dash:schema:mpd:2011"}


def listed(manifest: str) -> dict[str, list[int]]:
    """Rendition -> the numbers of its segments."""
    found = {}
    for one in fromstring(manifest).iterfind(".//d:Representation", DASH):
        template = one.find("d:SegmentTemplate", DASH)
        assert template is not None
        first = int(template.attrib["startNumber"])
        count = sum(int(entry.get("r", 0)) + 1 for entry in template.iterfind(".//d:S", DASH))
        found[one.attrib["id"]] = list(range(first, first + count))
    return found


async def listing(player: httpx.AsyncClient, rendition: str, numbers: Sequence[int] | None) -> None:
    """Returns once the manifest lists those segments of the rendition."""
    async with asyncio.timeout(5):
        while listed((await player.get("manifest.mpd")).text).get(rendition) != numbers:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def asked_since(bus: AsyncValkey, broadcast: str) -> dict[str, int]:
    """What the dispatcher knows once it has been told that 480p is wanted: where each idle rendition is to begin."""
    after = b"0-0"
    async with asyncio.timeout(5):
        while True:
            for entry, event in await bus.run(read_events(after, block_ms=500)):
                after = entry
                if event == RenditionWanted(broadcast, "480p"):
                    return (await bus.run(observe(broadcast, segments=0))).since


async def test_dash_lists_the_same_segments(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    manifest = await player.get("manifest.mpd")
    assert manifest.status_code == 200
    assert (manifest.headers["content-type"], manifest.headers["cache-control"]) == (
        "application/dash+xml",
        "public, max-age=1",
    )
    assert listed(manifest.text) == {"source": [0, 1, 2], "480p": [0, 1, 2], "audio": [0, 1, 2]}
    assert 'media="source/$Number$.m4s"' in manifest.text
    assert (await player.get("source/2.m4s")).status_code == 200


async def test_a_manifest_is_rendered_once_for_all_who_ask_for_the_same_and_packed(
    player: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.go_live()
    first, second = [(await player.get("manifest.mpd")).text for _ in range(2)]
    assert first == second
    async with player.stream("GET", "manifest.mpd", headers={"accept-encoding": "gzip"}) as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    assert gzip.decompress(packed).decode() == first
    await publisher.put(segment(3))
    await listing(player, "source", [0, 1, 2, 3])


async def test_an_idle_rendition_is_offered_as_far_back_as_it_can_begin(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live(segments=REACH + 4)
    found = listed((await player.get("manifest.mpd")).text)
    assert found["480p"] == found["source"][1 - REACH :]
    events = await bus.run(read_events(b"0-0", block_ms=1))
    assert not [event for _, event in events if isinstance(event, RenditionWanted)]


async def test_sound_is_listed_once_it_is_there(player: httpx.AsyncClient, publisher: Publisher) -> None:
    """It has a timescale of its own, and comes by itself."""
    await publisher.go_live()
    await publisher.put(segment(3), "source")
    await listing(player, "source", [0, 1, 2, 3])
    assert listed((await player.get("manifest.mpd")).text)["audio"] == [0, 1, 2]


async def test_loading_a_segment_of_an_idle_rendition_starts_it_there(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live(segments=4)
    request = await waiting(player, "480p/2.m4s")
    assert await asked_since(bus, publisher.broadcast) == {"480p": 2}
    await bus.run(running.start(publisher.broadcast, "480p", 2))
    assert (await bus.run(observe(publisher.broadcast, segments=0))).since == {}
    await publisher.put(segment(2), "480p")
    assert (await soon(request)).content == b"".join(chunk.data for chunk in segment(2))
    await listing(player, "480p", [2, 3])


async def test_the_init_section_of_an_idle_rendition_starts_it_as_far_back_as_any_player_asks(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live(segments=REACH + 4)
    request = await waiting(player, "480p/init.mp4")
    assert await asked_since(bus, publisher.broadcast) == {"480p": 3}
    number = await bus.run(put_init(publisher.broadcast, "480p", b"its header"))
    await bus.run(running.start(publisher.broadcast, "480p", 3))
    await publisher.put(segment(3, init=number), "480p")
    answer = await soon(request)
    assert (answer.content, answer.headers["cache-control"]) == (b"its header", "public, max-age=1")


async def test_what_a_rendition_that_begins_later_will_not_have_is_404(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live(segments=4)
    request = await waiting(player, "480p/1.m4s")
    await bus.run(running.start(publisher.broadcast, "480p", 2))
    await publisher.put(segment(2), "480p")
    assert (await soon(request)).status_code == 404


@pytest.mark.parametrize("msn", [0, REACH + 9])
async def test_what_lies_too_far_back_or_ahead_is_404_at_once(
    player: httpx.AsyncClient, publisher: Publisher, msn: int
) -> None:
    await publisher.go_live(segments=REACH + 4)
    assert (await player.get(f"480p/{msn}.m4s")).status_code == 404


async def test_what_may_not_run_is_not_offered(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live(segments=4)
    request = await waiting(player, "480p/init.mp4")
    await bus.run(running.refuse(publisher.broadcast, "480p"))
    answer = await soon(request)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_offered")
    assert "480p" not in listed((await player.get("manifest.mpd")).text)


async def test_nothing_idle_is_offered_while_devices_lack_room(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live()
    await bus.run(devices.run_short())
    assert listed((await player.get("manifest.mpd")).text).keys() == {"source", "audio"}


async def test_nothing_idle_is_offered_while_the_encoder_is_away(
    player: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.go_live()
    await publisher.describe(state=BroadcastState.RECONNECTING)
    assert listed((await player.get("manifest.mpd")).text).keys() == {"source", "audio"}


@pytest.fixture
def tiered() -> Iterator[None]:
    """Comes before `player`, which is made with the settings as they are."""
    with override_settings(LADDER_POLICY="tiered"):
        yield


@pytest.mark.usefixtures("tiered")
async def test_nothing_idle_is_offered_where_the_number_of_viewers_decides(
    player: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.go_live()
    assert listed((await player.get("manifest.mpd")).text).keys() == {"source", "audio"}


async def test_listing_a_rendition_does_not_keep_it_running(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    await publisher.run_rendition("480p", 1)
    for msn in (1, 2):
        await publisher.put(segment(msn), "480p")
    await listing(player, "480p", [1, 2])
    assert (await publisher.bus.run(observe(publisher.broadcast, segments=0))).wanted == {}
    assert (await player.get("480p/2.m4s")).status_code == 200
    assert (await publisher.bus.run(observe(publisher.broadcast, segments=0))).wanted.keys() == {"480p"}


async def test_of_an_ended_broadcast_nothing_is_to_come(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live()
    await bus.run(publication.end(publisher.broadcast))
    await listing(player, "480p", None)
    assert "mediaPresentationDuration" in (await player.get("manifest.mpd")).text


async def test_players_set_their_clocks_by_an_answer_that_no_cache_keeps(player: httpx.AsyncClient) -> None:
    answer = await player.get("time")
    assert answer.headers["cache-control"] == "no-store"
    assert abs(datetime.fromisoformat(answer.text) - datetime.now(UTC)).total_seconds() < 5
