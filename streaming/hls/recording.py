"""Media playlists of a recorded rendition (RFC 8216bis 4.4.3-4.4.5): whole, and never changing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .duration import format_duration
from .moment import format_moment
from .playlist import init_uri

VERSION = 8
"""EXT-X-VERSION: EXT-X-GAP asks for it, and an EVENT playlist may yet come to have one (RFC 8216bis 8)."""


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
    """The VOD playlist of a rendition, whose segments are ranges of larger files.

    `timescale` is in ticks a second; `suffix` is put behind every URI: a query.
    """
    head = _head("VOD", target_duration, first_msn)
    return _text([*head, *_body(segments, timescale, suffix, ranges=True), "#EXT-X-ENDLIST"])


def render_event(
    segments: Sequence[Recorded], *, target_duration: int, timescale: int, first_msn: int = 0, ended: bool
) -> str:
    """A playlist from the start of a broadcast that goes on: only ever appended to. Each segment is a file."""
    lines = [*_head("EVENT", target_duration, first_msn), *_body(segments, timescale, "", ranges=False)]
    return _text([*lines, "#EXT-X-ENDLIST"] if ended else lines)


def _head(kind: str, target_duration: int, first_msn: int) -> list[str]:
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{target_duration}",
        f"#EXT-X-PLAYLIST-TYPE:{kind}",
        f"#EXT-X-MEDIA-SEQUENCE:{first_msn}",
    ]


def _body(segments: Sequence[Recorded], timescale: int, suffix: str, *, ranges: bool) -> Iterator[str]:
    before: Recorded | None = None
    for segment in segments:
        yield from _segment_lines(segment, before, timescale, suffix, ranges=ranges)
        before = segment


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _segment_lines(
    segment: Recorded, before: Recorded | None, timescale: int, suffix: str, *, ranges: bool
) -> Iterator[str]:
    if before is not None and segment.discontinuity != before.discontinuity:
        yield "#EXT-X-DISCONTINUITY"
    if before is None or segment.init != before.init:
        yield f'#EXT-X-MAP:URI="{init_uri(segment.init)}{suffix}"'
    yield f"#EXT-X-PROGRAM-DATE-TIME:{format_moment(segment.wall_ms)}"
    if segment.gap:
        yield "#EXT-X-GAP"
    yield f"#EXTINF:{format_duration(segment.dts, segment.dts + segment.duration, timescale)},"
    if ranges and not segment.gap:
        yield f"#EXT-X-BYTERANGE:{segment.size}@{segment.offset}"
    yield f"{segment.uri}{suffix}"
