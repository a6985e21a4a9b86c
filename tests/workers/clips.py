"""Short synthesised clips, as the access units that RTMP would bring."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from functools import cache

import av
from django.conf import settings

from streaming.flv.file import Demuxer
from streaming.flv.tag import TagType
from streaming.flv.tracks import VideoTrackReader
from streaming.media import VIDEO_TIMESCALE, AccessUnit, Chunk, Track


@cache
def clip(
    *,
    rate: str = "30",
    seconds: float = 5,
    gop: int = 60,
    bframes: int = 0,
    size: str = "320x180",
    codec: str = "libx264",
    options: tuple[str, ...] = (),
) -> tuple[Track, tuple[AccessUnit, ...]]:
    """A moving test picture: its track and its access units."""
    coding = ["-c:v", codec, "-g", str(gop), "-pix_fmt", "yuv420p", *options]
    if codec == "libx264":
        coding += ["-preset", "ultrafast", "-sc_threshold", "0", "-bf", str(bframes)]
    flv = subprocess.run(
        [
            *(settings.FFMPEG, "-hide_banner", "-loglevel", "error", "-nostdin"),
            *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}", "-t", str(seconds)),
            *(*coding, "-f", "flv", "pipe:1"),
        ],
        capture_output=True,
        check=True,
    ).stdout
    reader = VideoTrackReader()
    track: Track | None = None
    units = []
    for tag in Demuxer().feed(flv):
        found = reader.read(tag.body, tag.timestamp) if tag.type is TagType.VIDEO else None
        if isinstance(found, Track):
            track = found
        elif found is not None:
            units.append(found)
    assert track is not None
    return track, tuple(units)


def decoded_times(section: bytes, chunks: Sequence[Chunk]) -> list[int]:
    """Decodes a rendition with a decoder that isn't ours; the times of its pictures, in ticks."""
    movie = io.BytesIO(section + b"".join(chunk.data for chunk in chunks))
    with av.open(movie, mode="r") as container:
        return [
            int(frame.pts * frame.time_base * VIDEO_TIMESCALE)
            for frame in container.decode(video=0)
            if frame.pts is not None and frame.time_base is not None
        ]
