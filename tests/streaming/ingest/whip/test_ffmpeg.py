"""FFmpeg's own WHIP muxer, the encoder most people have at hand."""

from __future__ import annotations

import asyncio

import aioice.ice
import imageio_ffmpeg
import pytest

from streaming.bus import events
from streaming.ingest.whip import ice
from streaming.media import AUDIO, SOURCE

from .conftest import Whip

pytestmark = pytest.mark.django_db(transaction=True)


async def test_ffmpeg_broadcasts(whip: Whip, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than an encoder may be silent, and than aioice would wait: FFmpeg answers no question for consent."""
    monkeypatch.setattr(ice, "GONE_SECONDS", 2.0)
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.1)
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 1)
    argv = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error"),
        *("-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=4"),
        *("-re", "-f", "lavfi", "-i", "sine=sample_rate=48000:duration=4"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0", "-g", "60"),
        *("-pix_fmt", "yuv420p", "-c:a", "libopus", "-ac", "2", "-ar", "48000"),
        *("-f", "whip", "-authorization", key, whip.url),
    ]
    encoder = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    broadcast = await whip.ingest.opens(1)
    _, complaints = await encoder.communicate()
    # FFmpeg 8 and 9 take the status line of DELETE's answer for a chunk's size, whatever is answered.
    said = [line for line in complaints.decode().splitlines() if "Failed to read response from DELETE" not in line]
    assert (encoder.returncode, said) == (0, [])
    await whip.ingest.hears(events.BroadcastReconnecting)
    names = [rendition.name for rendition in (await whip.ingest.description(broadcast)).renditions]
    assert (names[0], names[-1]) == (SOURCE, AUDIO)
