"""The demo's broadcast, in real time: what `manage.py demo` sends is what a streamer would."""

from __future__ import annotations

import asyncio
import subprocess

import pytest
from django.conf import settings

from streaming.bus import events, reading
from streaming.ffmpeg.demo_picture import demo_command
from streaming.health import Health
from streaming.media import SOURCE

from .conftest import Ingest

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_demo_is_a_healthy_broadcast(ingest: Ingest, key: str) -> None:
    argv = demo_command(settings.FFMPEG, f"rtmp://127.0.0.1:{ingest.port}/live/{key}", seconds_of_day=86_399.0)
    encoder = await asyncio.create_subprocess_exec(*argv, stderr=subprocess.PIPE)
    try:
        broadcast = await ingest.opens(2)
        report = await ingest.valkey.run(reading.health(broadcast))
    finally:
        encoder.terminate()
        _, said = await encoder.communicate()
    assert b"rror" not in said
    description = await ingest.description(broadcast)
    source = description.renditions[0]
    assert (source.name, source.width, source.height, source.frame_rate) == (SOURCE, 1280, 720, 30_000)
    first = [chunk for chunk in await ingest.chunks(broadcast, SOURCE) if chunk.msn == 0]
    assert sum(chunk.duration for chunk in first) == 180_000
    assert report is not None
    health = Health.unpack(report)
    assert (health.video_codec, health.audio_codec, health.width, health.height) == ("H.264", "AAC", 1280, 720)
    assert abs(health.frame_rate - 30) < 1
    assert health.keyframe_interval == 2.0
    # the encoder shares two busy cores with the tests: it may be late, but nothing else may be wrong
    assert [warning for warning in health.warnings if "arrives in time" not in warning] == []
    assert await ingest.hears(events.BroadcastReconnecting) == broadcast
