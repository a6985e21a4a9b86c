"""Media playlists of a recorded rendition (RFC 8216bis 4.4.3-4.4.5): whole, and never changing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .duration import format_duration
from .moment import format_moment
from .playlist import init_uri

VERSION = 6
"""EXT-X-VERSION: EXT-X-MAP beside media segments asks for it (RFC 8216bis 8)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A segment of `size` bytes at `offset` of `uri`. `dts` and `duration` in ticks, `wall_ms` UTC of its first sample.

    A `gap` can't be loaded; its `uri` is written all the same, as every segment has one.
    """

    dts: int
    duration: int
    wall_ms: int
    discontinuity: int
    init: int
    uri: str
    offset: int
    size: int
    gap: bool


def render_recording(
    segments: Sequence[Recorded], *, target_duration: int, timescale: int, first_msn: int = 0, suffix: str = ""
) -> str:
    """The VOD playlist of a rendition. `timescale` in ticks a second; `suffix` is put behind every URI: a query."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{target_duration}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXT-X-MEDIA-SEQUENCE:{first_msn}",
    ]
    before: Recorded | None = None
    for segment in segments:
        lines += _segment_lines(segment, before, timescale, suffix)
        before = segment
    lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _segment_lines(segment: Recorded, before: Recorded | None, timescale: int, suffix: str) -> Iterator[str]:
    if before is not None and segment.discontinuity != before.discontinuity:
        yield "#EXT-X-DISCONTINUITY"
    if before is None or segment.init != before.init:
        yield f'#EXT-X-MAP:URI="{init_uri(segment.init)}{suffix}"'
    yield f"#EXT-X-PROGRAM-DATE-TIME:{format_moment(segment.wall_ms)}"
    if segment.gap:
        yield "#EXT-X-GAP"
    yield f"#EXTINF:{format_duration(segment.dts, segment.dts + segment.duration, timescale)},"
    if not segment.gap:
        yield f"#EXT-X-BYTERANGE:{segment.size}@{segment.offset}"
    yield f"{segment.uri}{suffix}"
