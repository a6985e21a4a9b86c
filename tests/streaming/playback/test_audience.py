from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from streaming.bus import publication, reading, thumbnail, viewers
from streaming.bus.redis import AsyncValkey
from streaming.bus.view import observe
from streaming.playback.app import create_app
from streaming.playback.audience import BEATS_PER_ADDRESS
from tests.streaming.playback.publisher import Publisher

REPORT = {"viewer": "0123456789abcdef", "rendition": "source", "latency": 1.52, "stalls": 0, "errors": 0}


async def wanted(bus: AsyncValkey, broadcast: str) -> dict[str, int]:
    return (await bus.run(observe(broadcast, segments=0))).wanted


async def test_a_heartbeat_counts_and_answers_the_status(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    assert (await player.get("status")).json() == {"state": "live", "viewers": 0}
    answer = await player.post("heartbeat", json=REPORT)
    assert answer.status_code == 200
    assert answer.json() == {"state": "live", "viewers": 1}
    assert answer.headers["cache-control"] == "no-store"
    assert (await player.get("status")).json()["viewers"] == 1


async def test_two_people_are_two(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    for viewer in ("0123456789abcdef", "fedcba9876543210", "0123456789abcdef"):
        answer = await player.post("heartbeat", json={**REPORT, "viewer": viewer})
    assert answer.json()["viewers"] == 2


async def test_a_heartbeat_keeps_its_rendition_wanted(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey
) -> None:
    await publisher.go_live()
    await player.post("heartbeat", json=REPORT)
    assert await wanted(bus, publisher.broadcast) == {}
    await player.post("heartbeat", json={**REPORT, "rendition": "480p"})
    assert "480p" in await wanted(bus, publisher.broadcast)


@pytest.mark.parametrize("rendition", ["", "auto", "8k"])
async def test_a_player_that_does_not_know_what_it_plays_counts(
    player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey, rendition: str
) -> None:
    await publisher.go_live()
    answer = await player.post("heartbeat", json={**REPORT, "rendition": rendition, "latency": None})
    assert answer.json()["viewers"] == 1
    assert await wanted(bus, publisher.broadcast) == {}


async def test_reports_are_summed(player: httpx.AsyncClient, publisher: Publisher, state: AsyncValkey) -> None:
    await publisher.go_live()
    await player.post("heartbeat", json={**REPORT, "stalls": 3, "errors": 1})
    now_ms = await state.run(reading.now_ms())
    found = await state.run(viewers.quality(publisher.broadcast, now_ms=now_ms))
    assert found == viewers.Quality(reports=1, latency_ms=1_520, stalls=3, errors=1)


@pytest.mark.parametrize("latency", [-2.0, 1e9])
async def test_a_viewer_with_a_wrong_clock_counts(
    player: httpx.AsyncClient, publisher: Publisher, latency: float
) -> None:
    await publisher.go_live()
    assert (await player.post("heartbeat", json={**REPORT, "latency": latency})).json()["viewers"] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"viewer": NaN}',
        *(
            httpx.Request("POST", "http://x", json={**REPORT, **wrong}).content
            for wrong in (
                {"viewer": "short"},
                {"viewer": "x" * 65},
                {"viewer": "<script>alert(1)</script>"},
                {"viewer": 12345678},
                {"rendition": None},
                {"latency": "1"},
                {"latency": True},
                {"stalls": -1},
                {"stalls": 1.5},
                {"errors": 10**9},
                {"padding": "x" * 2_000},
            )
        ),
    ],
)
async def test_what_is_not_a_report_is_refused(player: httpx.AsyncClient, publisher: Publisher, body: bytes) -> None:
    await publisher.go_live()
    answer = await player.post("heartbeat", content=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
    assert (await player.get("status")).json()["viewers"] == 0


async def test_reports_of_one_address_are_limited(player: httpx.AsyncClient, publisher: Publisher) -> None:
    await publisher.go_live()
    for _ in range(BEATS_PER_ADDRESS):
        assert (await player.post("heartbeat", json=REPORT)).status_code == 200
    refused = await player.post("heartbeat", json=REPORT)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "10"


async def test_nobody_watches_what_has_ended(player: httpx.AsyncClient, publisher: Publisher, bus: AsyncValkey) -> None:
    await publisher.go_live()
    await bus.run(publication.end(publisher.broadcast))
    assert (await player.post("heartbeat", json=REPORT)).json() == {"state": "ended", "viewers": 0}


async def test_the_status_does_without_the_state_valkey(bus_url: str, tmp_path: Path, publisher: Publisher) -> None:
    await publisher.go_live()
    app = create_app(bus_url=bus_url, state_url=f"unix://{tmp_path}/nobody.sock")
    base = f"http://test/streams/{publisher.broadcast}/"
    transport = httpx.ASGITransport(app)
    async with app.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=base) as player:
        for answer in (await player.get("status"), await player.post("heartbeat", json=REPORT)):
            assert answer.json() == {"state": "live", "viewers": None}


async def test_a_heartbeat_for_nobody_is_404(player: httpx.AsyncClient) -> None:
    assert (await player.post("heartbeat", json=REPORT)).json()["code"] == "unknown_broadcast"


async def test_the_thumbnail_is_what_was_left_in_the_state(
    player: httpx.AsyncClient, publisher: Publisher, state: AsyncValkey
) -> None:
    assert (await player.get("thumbnail.jpg")).status_code == 404
    await state.run(thumbnail.put(publisher.broadcast, b"\xff\xd8jpeg", age_ms=2_000))
    picture = await player.get("thumbnail.jpg")
    assert picture.content == b"\xff\xd8jpeg"
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "public, max-age=10"


async def test_no_cache_keeps_a_thumbnail_too_long(
    player: httpx.AsyncClient, publisher: Publisher, state: AsyncValkey
) -> None:
    await state.run(thumbnail.put(publisher.broadcast, b"jpeg", age_ms=thumbnail.MAX_AGE_MS - 4_500))
    assert (await player.get("thumbnail.jpg")).headers["cache-control"] in {
        "public, max-age=4",
        "public, max-age=3",
    }


async def test_an_old_thumbnail_is_gone(player: httpx.AsyncClient, publisher: Publisher, state: AsyncValkey) -> None:
    await state.run(thumbnail.put(publisher.broadcast, b"jpeg", age_ms=thumbnail.MAX_AGE_MS - 1))
    until = await state.run(reading.now_ms()) + 1
    while await state.run(reading.now_ms()) <= until:
        pass
    assert (await player.get("thumbnail.jpg")).status_code == 404
