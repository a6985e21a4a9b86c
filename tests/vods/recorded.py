"""VODs that are ready, with real media in storage: as archiving leaves them, without a broadcast in real time.

As a program it makes one in the installation that the environment names, and prints its id:

    python -m tests.vods.recorded LOGIN SECONDS
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zlib import crc32

import django
from PIL import Image, ImageDraw

if __name__ == "__main__":
    django.setup()

from accounts.models import User
from streaming import services
from streaming.media import SOURCE, Chunk, Rendition
from streaming.models import Broadcast, Channel
from tests.streaming.cmaf import clips
from tests.streaming.packed import Packed, pack
from vods.models import Asset, AssetKind, AssetState, Bundle, InitSection, Vod, VodRendition, VodState
from vods.storage import media

RUN = 3
"""Segments of a bundle: few, so that a short VOD has several."""
STORYBOARD_MS = 2_000
TILE = (160, 90)
COLUMNS = 5
PASSWORD = "correct horse 9"
"""Of the streamer that the program makes."""


def nobody_listens(_broadcast: UUID) -> None:
    """Stands for a bus that nobody reads."""


def ended_broadcast(channel: Channel, *, began: datetime, lasted: timedelta) -> Broadcast:
    _, key = services.issue_key(channel_id=channel.pk, now=began)
    broadcast, _ = services.find_or_begin_broadcast(key=key, ingest="test", now=began)
    services.end_broadcast(broadcast_id=broadcast.pk, now=began + lasted, publish=nobody_listens)
    return broadcast


def packed_clip(folder: Path, *, seconds: int, gop: int = 60, size: str = "320x180") -> Packed:
    """A test picture with a tone, 30 pictures a second."""
    arguments = [
        *clips.video_input(size=size, seconds=seconds),
        *clips.audio_input(seconds=seconds),
        *clips.x264(gop),
        *clips.AAC,
    ]
    return pack(clips.make(folder / "clip.flv", *arguments))


def record(channel: Channel, packed: Packed, *, began: datetime | None = None) -> Vod:
    """The packed media as a VOD that plays, in source and audio."""
    source = packed.chunks[SOURCE]
    began = began or datetime.fromtimestamp(source[0].wall_ms / 1000, UTC)
    end = source[-1].dts + source[-1].duration
    lasted = timedelta(seconds=(end - source[0].dts) / packed.timelines[SOURCE].timescale)
    vod = Vod.objects.create(
        channel=channel,
        broadcast=ended_broadcast(channel, began=began, lasted=lasted),
        title="A test picture",
        recorded_at=began,
        state=VodState.READY,
        ready_at=began + lasted,
        target_duration=packed.packager.target_duration,
        duration_ms=round(lasted.total_seconds() * 1000),
    )
    for place, name in enumerate(packed.chunks):
        _record_rendition(vod, packed, name, place)
    Vod.objects.filter(pk=vod.pk).update(size=sum(Bundle.objects.values_list("size", flat=True)))
    return vod


def _record_rendition(vod: Vod, packed: Packed, name: str, place: int) -> None:
    init = packed.inits[name][min(packed.inits[name])]
    rendition = _rendition(packed, name)
    row = VodRendition.objects.create(
        vod=vod,
        name=name,
        place=place,
        codecs=rendition.codecs,
        bandwidth=rendition.bandwidth,
        timescale=rendition.timescale,
        width=rendition.width,
        height=rendition.height,
        frame_rate=rendition.frame_rate,
        complete=True,
    )
    for section in packed.inits[name].values():
        InitSection.objects.create(rendition=row, number=section.number, data=section.data)
    assert init.data
    segments = list(packed.segments(name).items())
    for start in range(0, len(segments), RUN):
        _store_bundle(row, segments[start : start + RUN])


def _rendition(packed: Packed, name: str) -> Rendition:
    section = packed.inits[name][min(packed.inits[name])]
    track = section.track
    scale = packed.timelines[name].timescale
    peak = max(
        sum(len(chunk.data) for chunk in chunks) * 8 * scale // sum(chunk.duration for chunk in chunks)
        for chunks in packed.segments(name).values()
    )
    return Rendition(
        name=name,
        codecs=section.format.codecs,
        bandwidth=peak,
        timescale=scale,
        width=track.width,
        height=track.height,
        frame_rate=30_000 if track.codec.is_video else 0,
    )


def _store_bundle(row: VodRendition, segments: Sequence[tuple[int, list[Chunk]]]) -> None:
    bodies = [b"".join(chunk.data for chunk in chunks) for _, chunks in segments]
    data = b"".join(bodies)
    first = [chunks[0] for _, chunks in segments]
    last = [chunks[-1] for _, chunks in segments]
    checksum = crc32(data)
    key = f"{row.vod.prefix}{row.name}/{segments[0][0]:08}-{checksum:08x}.m4s"
    media().put(key, data)
    Bundle.objects.create(
        rendition=row,
        first_msn=segments[0][0],
        count=len(segments),
        key=key,
        size=len(data),
        crc32=checksum,
        sizes=[len(body) for body in bodies],
        dts=[chunk.dts for chunk in first],
        durations=[end.dts + end.duration - begin.dts for begin, end in zip(first, last, strict=True)],
        walls_ms=[chunk.wall_ms for chunk in first],
        discontinuities=[chunk.discontinuity for chunk in first],
        inits=[chunk.init for chunk in first],
    )


def add_asset(vod: Vod, kind: AssetKind, name: str, data: bytes, **facts: object) -> Asset:
    key = f"{vod.prefix}{name}"
    media().put(key, data)
    return Asset.objects.create(
        vod=vod, kind=kind, state=AssetState.READY, progress=100, key=key, size=len(data), facts=facts
    )


def add_storyboard(vod: Vod) -> Asset:
    """A sheet of numbered pictures."""
    count = max(1, -(-vod.duration_ms // STORYBOARD_MS))
    rows = -(-count // COLUMNS)
    sheet = Image.new("RGB", (TILE[0] * COLUMNS, TILE[1] * rows), "#123")
    for index in range(count):
        at = (index % COLUMNS * TILE[0], index // COLUMNS * TILE[1])
        ImageDraw.Draw(sheet).text((at[0] + 60, at[1] + 30), str(index), fill="#fff", font_size=30)
    packed = io.BytesIO()
    sheet.save(packed, "JPEG")
    key = f"{vod.prefix}storyboard/0.jpg"
    media().put(key, packed.getvalue())
    return add_asset(
        vod,
        AssetKind.STORYBOARD,
        "storyboard/index.vtt",
        b"WEBVTT\n",
        every_ms=STORYBOARD_MS,
        width=TILE[0],
        height=TILE[1],
        columns=COLUMNS,
        rows=rows,
        count=count,
        sheets=[key],
    )


def add_poster(vod: Vod) -> Asset:
    packed = io.BytesIO()
    Image.new("RGB", (320, 180), "#345").save(packed, "JPEG")
    return add_asset(vod, AssetKind.POSTER, "poster.jpg", packed.getvalue(), at_ms=1_000, width=320, height=180)


def main() -> None:
    login, seconds = sys.argv[1], int(sys.argv[2])
    user = User.objects.filter(username=login).first() or User.objects.create_user(login, password=PASSWORD)
    channel = services.create_channel(user=user, now=datetime.now(UTC))
    with tempfile.TemporaryDirectory() as folder:
        vod = record(channel, packed_clip(Path(folder), seconds=seconds))
    add_storyboard(vod)
    add_poster(vod)
    print(vod.pk)


if __name__ == "__main__":
    main()
