"""Chunks for playlists: times and numbers, no media."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streaming.hls.playlist import RenditionReport, render_playlist
from streaming.hls.timeline import Timeline
from streaming.media import PART_TARGET_MS, Chunk, Closes

WALL_MS = 1_790_000_000_000
PART = 36_000


def segment(
    msn: int,
    *,
    parts: int = 5,
    last: int = PART,
    start: int | None = None,
    discontinuity: int = 0,
    init: int = 0,
    gap_from: int | None = None,
    closes: bool = True,
) -> Iterator[Chunk]:
    """A segment of parts of 0.4 s, two chunks each; the last part lasts `last` ticks."""
    dts = msn * 5 * PART if start is None else start
    for part in range(parts):
        is_last = part + 1 == parts
        duration = last if is_last else PART
        is_gap = gap_from is not None and part >= gap_from
        for half in (0, 1):
            yield Chunk(
                msn=msn,
                part=part,
                dts=dts,
                duration=duration // 2,
                wall_ms=WALL_MS + dts // 90,
                independent=part == half == 0,
                closes=Closes.NOTHING if not half else Closes.SEGMENT if is_last and closes else Closes.PART,
                discontinuity=discontinuity,
                init=init,
                data=b"",
                gap=is_gap,
            )
            dts += duration // 2


def timeline(chunks: Iterable[Chunk] = ()) -> Timeline:
    made = Timeline(timescale=90_000, part_target_ms=PART_TARGET_MS)
    for chunk in chunks:
        made.append(chunk)
    return made


def segments(first: int, count: int) -> Iterator[Chunk]:
    for msn in range(first, first + count):
        yield from segment(msn)


def render(made: Timeline, *, skip: bool = False, reports: Iterable[RenditionReport] = ()) -> str:
    return render_playlist(made, target_duration=2, skip=skip, reports=tuple(reports))
