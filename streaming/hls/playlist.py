"""Media playlists of a live rendition (RFC 8216bis 4.4.3-4.4.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .duration import format_duration
from .moment import format_moment
from .segment import Part, Segment
from .timeline import Timeline

VERSION = 9
"""EXT-X-VERSION: EXT-X-SKIP asks for it (RFC 8216bis 8)."""
HOLD_BACK_PARTS = 3
"""PART-HOLD-BACK in PART-TARGETs: the least there may be is two, the least advised three (4.4.3.8)."""
SKIP_BOUNDARY_TARGETS = 6
"""CAN-SKIP-UNTIL in TARGETDURATIONs, the least there may be (4.4.3.8)."""
LISTED_PARTS_TARGETS = 3
"""Parts of segments that ended longer ago than this many TARGETDURATIONs are no longer listed (6.2.2)."""


@dataclass(frozen=True, slots=True)
class RenditionReport:
    """How far another rendition of the broadcast is (EXT-X-RENDITION-REPORT)."""

    rendition: str
    msn: int
    part: int


def segment_uri(msn: int) -> str:
    """A segment's URI, relative to its rendition's playlist: the same for ever."""
    return f"{msn}.m4s"


def part_uri(msn: int, part: int) -> str:
    """A part's URI, relative to its rendition's playlist."""
    return f"{msn}.{part}.m4s"


def init_uri(number: int) -> str:
    """An init section's URI, relative to its rendition's playlist."""
    return f"init-{number}.mp4"


def render_playlist(
    timeline: Timeline, *, target_duration: int, reports: Sequence[RenditionReport] = (), skip: bool = False
) -> str:
    """The media playlist of a rendition's window: a delta update if `skip` is asked for and there is what to skip.

    `target_duration` is in seconds and must be the same for the broadcast's life. `reports` tell of every other
    rendition that runs.
    """
    segments = list(timeline.segments)
    first = segments[0] if segments else None
    # Before the Skip Boundary (RFC 8216bis 6.2.5.1), as a whole.
    skipped = _older(timeline, SKIP_BOUNDARY_TARGETS * target_duration) if skip else 0
    part_target = timeline.part_target_ms / 1000
    hold_back, skip_until = HOLD_BACK_PARTS * part_target, SKIP_BOUNDARY_TARGETS * target_duration
    control = f"CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={hold_back:.3f},CAN-SKIP-UNTIL={skip_until:.1f}"
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{target_duration}",
        f"#EXT-X-SERVER-CONTROL:{control}",
        f"#EXT-X-PART-INF:PART-TARGET={part_target:.3f}",
        # The first segment's own EXT-X-DISCONTINUITY still counts while it is listed (4.4.3.3).
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.discontinuity - first.starts_discontinuity if first else 0}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.msn if first else 0}",
    ]
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    with_parts = _older(timeline, LISTED_PARTS_TARGETS * target_duration)
    for index, segment in enumerate(segments[skipped:], start=skipped):
        if segment.closed or segment.listed(timeline.part_target):
            lines += _segment_lines(timeline, segment, is_first=index == 0, with_parts=index >= with_parts)
    if timeline.ended:
        lines.append("#EXT-X-ENDLIST")
    else:
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{part_uri(*timeline.next_part)}"')
        lines += [
            f'#EXT-X-RENDITION-REPORT:URI="../{report.rendition}/index.m3u8",'
            f"LAST-MSN={report.msn},LAST-PART={report.part}"
            for report in reports
        ]
    return "\n".join(lines) + "\n"


def _segment_lines(timeline: Timeline, segment: Segment, *, is_first: bool, with_parts: bool) -> Iterator[str]:
    if segment.starts_discontinuity:
        yield "#EXT-X-DISCONTINUITY"
    if segment.starts_init or is_first:
        yield f'#EXT-X-MAP:URI="{init_uri(segment.init)}"'
    yield f"#EXT-X-PROGRAM-DATE-TIME:{format_moment(segment.wall_ms)}"
    if with_parts:
        for number, part in enumerate(segment.listed(timeline.part_target)):
            yield _part_line(timeline, segment.msn, number, part)
    if segment.closed:
        if segment.gap:
            yield "#EXT-X-GAP"
        yield f"#EXTINF:{_seconds(timeline, segment.dts, segment.end)},"
        yield segment_uri(segment.msn)


def _part_line(timeline: Timeline, msn: int, number: int, part: Part) -> str:
    line = (
        f'#EXT-X-PART:DURATION={_seconds(timeline, part.dts, part.dts + part.duration)},URI="{part_uri(msn, number)}"'
    )
    if part.independent:
        line += ",INDEPENDENT=YES"
    if part.gap:
        line += ",GAP=YES"
    return line


def _seconds(timeline: Timeline, start: int, end: int) -> str:
    return format_duration(start, end, timeline.timescale)


def _older(timeline: Timeline, seconds: int) -> int:
    """How many segments end at least so long before the playlist's end, in media listed after them."""
    left = seconds * timeline.timescale
    for index in range(len(timeline.segments) - 1, -1, -1):
        if left <= 0:
            return index + 1
        left -= timeline.segments[index].duration
    return 0
