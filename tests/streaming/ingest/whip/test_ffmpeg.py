"""FFmpeg's own WHIP muxer, the encoder most people have at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioice.ice
import httpx
import imageio_ffmpeg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streaming.bus import events
from streaming.ingest.limits import AddressBook, Limits
from streaming.ingest.whip import ice
from streaming.ingest.whip.server import listening
from streaming.media import AUDIO, SOURCE

from .conftest import Whip
from .relay import Relay, without_candidates
from .test_session import counted, published

pytestmark = pytest.mark.django_db(transaction=True)


async def ffmpeg(url: str, key: str, *, seconds: int) -> asyncio.subprocess.Process:
    argv = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error"),
        *("-re", "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=30:duration={seconds}"),
        *("-re", "-f", "lavfi", "-i", f"sine=sample_rate=48000:duration={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0", "-g", "60"),
        *("-pix_fmt", "yuv420p", "-c:a", "libopus", "-ac", "2", "-ar", "48000"),
        *("-f", "whip", "-authorization", key, url),
    ]
    return await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)


async def test_ffmpeg_broadcasts(whip: Whip, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than an encoder may be silent, and than aioice would wait: FFmpeg answers no question for consent."""
    monkeypatch.setattr(ice, "GONE_SECONDS", 2.0)
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.1)
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 1)
    encoder = await ffmpeg(whip.url, key, seconds=4)
    broadcast = await whip.ingest.opens(1)
    _, complaints = await encoder.communicate()
    # FFmpeg 8 and 9 take the status line of DELETE's answer for a chunk's size, whatever is answered.
    said = [line for line in complaints.decode().splitlines() if "Failed to read response from DELETE" not in line]
    assert (encoder.returncode, said) == (0, [])
    await whip.ingest.hears(events.BroadcastReconnecting)
    names = [rendition.name for rendition in (await whip.ingest.description(broadcast)).renditions]
    assert (names[0], names[-1]) == (SOURCE, AUDIO)


@asynccontextmanager
async def standing_between(relay: Relay, whip: Whip) -> AsyncIterator[str]:
    """The address of an endpoint that passes offers on, and sends who comes there through the relay."""

    async def post(request: Request) -> Response:
        headers = {name: request.headers[name] for name in ("authorization", "content-type")}
        async with httpx.AsyncClient() as client:
            offer = without_candidates((await request.body()).decode())
            answer = await client.post(whip.url, content=offer, headers=headers)
        location = str(httpx.URL(whip.url).join(answer.headers["location"]))
        return Response(await relay.open(answer.text), 201, {"location": location}, "application/sdp")

    app = Starlette(routes=[Route("/whip", post, methods=["POST"])])
    async with listening(app, "127.0.0.1", 0, addresses=AddressBook(Limits(), whip.ingest.time)) as port:
        yield f"http://127.0.0.1:{port}/whip"


async def test_ffmpeg_sends_again_what_is_lost(whip: Whip, key: str) -> None:
    """It does so in a stream of its own, and keyframes, which it isn't asked for, come every 2 s."""
    given_up = counted("lost_packets", kind="video")
    async with Relay(loss=0.02, jitter=0.01) as relay, standing_between(relay, whip) as url:
        encoder = await ffmpeg(url, key, seconds=9)
        broadcast = await whip.ingest.opens(0)
        await encoder.communicate()
        await whip.ingest.hears(events.BroadcastReconnecting)
        assert relay.lost > 10
    assert counted("lost_packets", kind="video") - given_up < relay.lost / 4
    # the first packet and the last are lost with nobody to miss them, which costs a GOP each
    assert len(await published(whip.ingest, broadcast, SOURCE)) >= 4 * 30
