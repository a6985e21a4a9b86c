from __future__ import annotations

import asyncio
import gzip
import re
from dataclasses import replace

import httpx
import pytest

from streaming.bus import publication, running
from streaming.bus.events import RenditionWanted, read_events
from streaming.bus.redis import AsyncValkey
from streaming.media import AUDIO, SOURCE, BroadcastState, Closes
from streaming.playback.answers import IMMUTABLE
from streaming.playback.player import accepts_gzip
from tests.streaming.bus.chunks import PARTS, chunk, segment
from tests.streaming.playback.publisher import Publisher
from tests.streaming.playback.waiting import soon, waiting


def uris(playlist: str) -> list[str]:
    return re.findall(r"^\d+\.m4s$", playlist, re.MULTILINE)


async def test_the_multivariant_playlist_lists_every_rendition(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    manifest = await player.get("manifest.m3u8")
    assert manifest.status_code == 200
    assert manifest.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert [line for line in manifest.text.splitlines() if not line.startswith("#")] == [
        "source/index.m3u8",
        "480p/index.m3u8",
        "audio/index.m3u8",
    ]


async def test_a_broadcast_nobody_knows_is_404(player: httpx.AsyncClient) -> None:
    for url in ("manifest.m3u8", "source/index.m3u8", "source/0.0.m4s", "source/0.m4s", "status"):
        response = await player.get(url)
        assert response.status_code == 404
        assert response.json()["code"] == "unknown_broadcast"
        assert response.headers["cache-control"] == "no-store"


async def test_a_rendition_nobody_knows_is_404(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    assert (await player.get("8k/index.m3u8")).json()["code"] == "unknown_rendition"


async def test_who_comes_before_the_first_segment_waits_for_it(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.start()
    manifest = asyncio.create_task(player.get("manifest.m3u8"))
    playlist = asyncio.create_task(player.get("source/index.m3u8"))
    await publisher.put(segment(0)[:3])
    assert (await player.get("status")).json()["state"] == "live"
    assert not manifest.done()
    assert not playlist.done()
    await publisher.put(segment(0)[3:])
    await publisher.describe(target_duration=2)
    assert (await soon(manifest)).status_code == 200
    assert uris((await soon(playlist)).text) == ["0.m4s"]


async def test_who_comes_before_the_first_frame_waits_too(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    publisher.token = (await publication.take(bus, publisher.broadcast, ingest="test")).token
    manifest = asyncio.create_task(player.get("manifest.m3u8"))
    playlist = asyncio.create_task(player.get("audio/index.m3u8"))
    assert (await player.get("status")).json() == {"state": "live", "viewers": 0}
    assert (await player.get("source/0.0.m4s")).status_code == 503
    await publisher.describe()
    await publisher.put(segment(0))
    await publisher.describe(target_duration=2)
    assert (await soon(manifest)).status_code == 200
    assert uris((await soon(playlist)).text) == ["0.m4s"]


async def test_a_broadcast_that_ends_before_its_first_frame_is_404(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publication.take(bus, publisher.broadcast, ingest="test")
    manifest = asyncio.create_task(player.get("manifest.m3u8"))
    assert (await player.get("status")).status_code == 200
    await bus.run(publication.end(publisher.broadcast))
    assert (await soon(manifest)).status_code == 404


async def test_parts_and_segments_are_the_bytes_of_their_chunks(
    player: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.go_live()
    part = await player.get("source/1.2.m4s")
    whole = await player.get("source/1.m4s")
    assert part.content == chunk(1, 2).data
    assert whole.content == b"".join(one.data for one in segment(1))
    for response in (part, whole):
        assert response.headers["cache-control"] == IMMUTABLE
        assert response.headers["content-type"] == "video/mp4"
        assert response.headers["access-control-allow-origin"] == "*"


async def test_a_part_of_several_chunks_is_one_body_live_and_later(
    player: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.go_live()
    await player.get("source/index.m3u8")
    chunks = [replace(chunk(3, 0), data=bytes([n]), closes=Closes.NOTHING) for n in range(4)]
    request = await waiting(player, "source/3.0.m4s")
    await publisher.put(chunks, SOURCE)
    assert not request.done()
    await publisher.put([replace(chunk(3, 1), closes=Closes.PART)], SOURCE)
    assert (await soon(request)).content == bytes(range(4))
    assert (await player.get("source/3.0.m4s")).content == bytes(range(4))


async def test_init_sections_are_served(player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey) -> None:
    await publisher.go_live()
    number = await bus.run(publication.put_init(publisher.broadcast, SOURCE, b"ftyp moov"))
    init = await player.get(f"source/init-{number}.mp4")
    assert init.content == b"ftyp moov"
    assert init.headers["cache-control"] == IMMUTABLE
    assert (await player.get("source/init-1.mp4")).status_code == 404


async def test_a_reload_waits_for_its_part(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    request = await waiting(player, "source/index.m3u8?_HLS_msn=3&_HLS_part=1")
    await publisher.put([chunk(3, 0)])
    assert not request.done()
    await publisher.put([chunk(3, 1)])
    assert '3.1.m4s"' in (await soon(request)).text


async def test_a_reload_without_a_part_waits_for_the_whole_segment(
    player: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.go_live()
    request = await waiting(player, "source/index.m3u8?_HLS_msn=3")
    await publisher.put(segment(3)[:-1])
    assert not request.done()
    await publisher.put(segment(3)[-1:])
    assert uris((await soon(request)).text)[-1] == "3.m4s"


async def test_everyone_who_waits_is_woken_by_the_same_part(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    url = "source/index.m3u8?_HLS_msn=3&_HLS_part=0"
    requests = [await waiting(player, url), *(asyncio.create_task(player.get(url)) for _ in range(50))]
    await publisher.put([chunk(3, 0)])
    bodies = {(await soon(request)).content for request in requests}
    assert len(bodies) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("_HLS_msn=5", 400),
        ("_HLS_part=1", 400),
        ("_HLS_msn=x", 400),
        ("_HLS_msn=-1", 400),
        ("_HLS_skip=maybe", 400),
        ("_HLS_msn=1", 200),
        ("_HLS_msn=2&_HLS_part=4", 200),
        ("anything=else", 200),
    ],
)
async def test_directives_are_checked(player: httpx.AsyncClient, publisher: Publisher, query: str, status: int) -> None:
    await publisher.go_live()
    response = await player.get(f"source/index.m3u8?{query}")
    assert response.status_code == status, response.text


async def test_the_hinted_part_is_waited_for(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    playlist = (await player.get("source/index.m3u8")).text
    assert '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="3.0.m4s"' in playlist
    request = await waiting(player, "source/3.0.m4s")
    await publisher.put([chunk(3, 0)])
    assert (await soon(request)).content == chunk(3, 0).data


async def test_a_hinted_part_that_never_comes_is_404_as_soon_as_that_is_known(
    player: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.go_live()
    await publisher.put(segment(3)[:-1])
    request = await waiting(player, "source/3.4.m4s")
    await publisher.put([chunk(4, 0)])
    assert (await soon(request)).status_code == 404


@pytest.mark.parametrize("url", ["source/3.1.m4s", "source/4.0.m4s", "source/1.5.m4s", "source/3.m4s", "source/9.m4s"])
async def test_what_is_not_due_is_404_at_once(player: httpx.AsyncClient, publisher: Publisher, url: str) -> None:
    await publisher.go_live()
    assert (await player.get(url)).status_code == 404


async def test_a_gap_can_not_be_loaded(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    await publisher.put([chunk(3, 0), chunk(3, 1, gap=True), *segment(3)[2:]], SOURCE)
    assert (await player.get("source/3.0.m4s")).status_code == 200
    assert (await player.get("source/3.1.m4s")).status_code == 404
    assert (await player.get("source/3.m4s")).status_code == 404


async def test_a_delta_update_skips_what_the_player_knows(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live(segments=12)
    whole = (await player.get("source/index.m3u8")).text
    delta = (await player.get("source/index.m3u8?_HLS_skip=YES")).text
    assert "#EXT-X-SKIP:SKIPPED-SEGMENTS=6" in delta
    assert whole.endswith(delta[delta.index("\n", delta.index("#EXT-X-SKIP")) + 1 :])


async def test_only_what_runs_is_reported(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    report = '#EXT-X-RENDITION-REPORT:URI="../{}/index.m3u8"'
    playlist = (await player.get("source/index.m3u8")).text
    assert report.format("audio") + f",LAST-MSN=2,LAST-PART={PARTS - 1}\n" in playlist
    assert report.format("480p") not in playlist
    assert report.format("source") not in playlist


async def test_an_idle_rendition_starts_when_it_is_asked_for(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live()
    await publisher.put(segment(0), "480p")  # an earlier run
    request = await waiting(player, "480p/index.m3u8")
    found = [event for _, event in await bus.run(read_events(b"0-0", block_ms=1))]
    assert RenditionWanted(publisher.broadcast, "480p") in found
    await publisher.run_rendition("480p", 2)
    await publisher.put(segment(2)[:-1], "480p")
    assert not request.done()
    await publisher.put(segment(2)[-1:], "480p")
    playlist = (await soon(request)).text
    assert uris(playlist) == ["2.m4s"]
    assert "#EXT-X-MEDIA-SEQUENCE:2" in playlist
    assert (await player.get("480p/2.1.m4s")).content == chunk(2, 1).data


async def test_a_refused_rendition_is_not_waited_for(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live()
    request = await waiting(player, "480p/index.m3u8")
    await bus.run(running.refuse(publisher.broadcast, "480p"))
    answer = await soon(request)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_offered")
    assert answer.headers["retry-after"] == "5"
    await bus.run(running.start(publisher.broadcast, "480p", 2))
    assert await bus.run(running.refused(publisher.broadcast)) == frozenset()
    await publisher.put(segment(2), "480p")

    async def plays() -> None:
        # A refusal awaits nothing, and would let nobody else run.
        while (await player.get("480p/index.m3u8")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    await asyncio.wait_for(plays(), 5)


async def test_a_running_rendition_is_played_from_where_it_runs(
    player: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.go_live()
    await publisher.put(segment(0), "480p")
    await publisher.run_rendition("480p", 1)
    await publisher.put([*segment(1), *segment(2)], "480p")
    assert uris((await player.get("480p/index.m3u8")).text) == ["1.m4s", "2.m4s"]
    assert '../480p/index.m3u8",LAST-MSN=2' in (await player.get("source/index.m3u8")).text


async def test_the_end_wakes_who_waits_and_ends_the_list(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live()
    request = await waiting(player, "source/index.m3u8?_HLS_msn=3&_HLS_part=1")
    await publisher.put([chunk(3, 0)])
    await bus.run(publication.end(publisher.broadcast))
    playlist = (await soon(request)).text
    assert playlist.endswith("3.m4s\n#EXT-X-ENDLIST\n")
    assert "PRELOAD-HINT" not in playlist
    assert (await player.get("source/3.m4s")).content == chunk(3, 0).data
    assert (await player.get("status")).json() == {"state": "ended", "viewers": 0}


async def test_an_ended_broadcast_is_played_to_its_end(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live()
    await bus.run(publication.end(publisher.broadcast))
    assert uris((await player.get("source/index.m3u8")).text) == ["0.m4s", "1.m4s", "2.m4s"]
    assert (await player.get("480p/index.m3u8")).status_code == 404


async def test_reconnecting_shows_in_the_status(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    await publisher.describe(state=BroadcastState.RECONNECTING)
    assert (await player.get("status")).json()["state"] == "reconnecting"


async def test_a_discontinuity_is_the_same_in_every_rendition(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    await publisher.put(segment(3, discontinuity=1, init=8))
    for rendition in (SOURCE, AUDIO):
        playlist = (await player.get(f"{rendition}/index.m3u8")).text
        assert "#EXT-X-DISCONTINUITY-SEQUENCE:0\n" in playlist
        assert '2.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="init-8.mp4"' in playlist


async def test_playlists_are_packed_for_who_takes_it(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    plain = await player.get("source/index.m3u8", headers={"accept-encoding": "identity"})
    packed = await player.get("source/index.m3u8", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) // 2
    assert packed.content == plain.content
    assert gzip.compress(plain.content, mtime=0)
    assert packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip, deflate, br", True),
        ("br, GZIP", True),
        ("*", True),
        ("gzip;q=0.5", True),
        ("gzip; q=0", False),
        ("gzip;q=0.000", False),
        ("deflate, br", False),
        ("x-gzip", False),
        ("", False),
    ],
)
def test_gzip_is_for_who_takes_it(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


async def test_blocking_reloads_are_cacheable_for_longer(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    assert (await player.get("source/index.m3u8")).headers["cache-control"] == "public, max-age=1"
    blocking = await player.get("source/index.m3u8?_HLS_msn=2")
    assert blocking.headers["cache-control"] == "public, max-age=6"


async def test_players_elsewhere_may_ask(player: httpx.AsyncClient) -> None:
    preflight = await player.options("heartbeat")
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert (await player.post("status")).status_code == 405
    assert (await player.head("status")).status_code == 404
