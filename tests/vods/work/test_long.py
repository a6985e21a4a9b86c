"""A broadcast of three hours ends, and plays as soon as a short one. All rows are real; of the media the end is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from streaming.bus.redis import Valkey
from streaming.cmaf.position import Position
from streaming.media import AUDIO, SOURCE, VIDEO_TIMESCALE
from streaming.models import Broadcast
from tests.streaming.cmaf.clips import Clip
from tests.streaming.packed import WALL_MS
from tests.vods.onair import House, OnAir
from vods.library import timeline_of
from vods.models import Bundle, InitSection, Vod, VodRendition, VodState
from vods.playback.shelf import render_playlist
from vods.recording import RUN
from vods.workflows import WORKS
from workers.ledger.attempt import run_step

SEGMENTS = 5_400
SCALES = {SOURCE: VIDEO_TIMESCALE, AUDIO: 48_000}


def bundles(row: VodRendition) -> Iterator[Bundle]:
    """Three hours of segments of 2 s."""
    scale = row.timescale
    for first in range(0, SEGMENTS, RUN):
        msns = range(first, first + RUN)
        yield Bundle(
            rendition=row,
            first_msn=first,
            count=RUN,
            key=f"{row.vod.prefix}{row.name}/{first:08}-00000000.m4s",
            size=750_000 * RUN,
            crc32=0,
            sizes=[750_000] * RUN,
            dts=[2 * scale * msn for msn in msns],
            durations=[2 * scale] * RUN,
            walls_ms=[WALL_MS + 2_000 * msn for msn in msns],
            discontinuities=[0] * RUN,
            inits=[0] * RUN,
        )


@pytest.fixture
def air(bus: Valkey, live: Broadcast) -> OnAir:
    """Live for three hours, of which the bus has the last seconds, after a reconnect."""
    vod = Vod.objects.create(channel=live.channel, broadcast=live, recorded_at=live.started_at)
    for place, (name, scale) in enumerate(SCALES.items()):
        row = VodRendition.objects.create(vod=vod, name=name, place=place, codecs="avc1", bandwidth=1, timescale=scale)
        InitSection.objects.create(rendition=row, number=0, data=b"x")
        Bundle.objects.bulk_create(bundles(row))
    hours_ms = 2_000 * SEGMENTS
    position = Position(
        msn=SEGMENTS,
        discontinuity=0,
        end_ms=hours_ms,
        end_wall_ms=WALL_MS + hours_ms,
        target_duration=2,
        inits={SOURCE: 1, AUDIO: 1},
        timescales=SCALES,
    )
    return OnAir(bus, live.pk, position)


def test_three_hours_are_sealed_and_listed_as_quickly(air: OnAir, clip: Clip, house: House) -> None:
    air.send(clip)
    house.bookkeeper.heard(air.end())
    began = time.process_time()
    run_step(house.queue[0].step, works=WORKS, send=lambda _: None)
    assert time.process_time() - began < 1.0
    vod = Vod.objects.get()
    assert (vod.state, vod.lost) == (VodState.READY, 0)
    assert abs(vod.duration_ms - (2_000 * SEGMENTS + 25_000)) <= 100
    segments = timeline_of(vod.renditions.get(name=SOURCE)).segments
    assert [segment.msn for segment in segments] == list(range(SEGMENTS + len(air.packed.segments(SOURCE))))
    began = time.process_time()
    playlist = render_playlist(vod, SOURCE, "")
    assert time.process_time() - began < 1.0
    assert playlist.plain.count(b"#EXTINF:2.000000,") >= SEGMENTS
    assert playlist.packed is not None
    assert len(playlist.packed) < 200_000
