"""Segments in a row, holes in them, and where a moment is. Three hours of it take no time."""

from __future__ import annotations

import time

from streaming.media import Chunk, Closes
from vods.segments import RecordedSegment, StoredSegment, assemble, bridge, fill_from
from vods.timeline import Timeline

SECOND = 90_000


def stored(msn: int, *, dts: int | None = None, discontinuity: int = 0, size: int = 10) -> StoredSegment:
    start = 2 * SECOND * msn if dts is None else dts
    wall_ms = 1_000_000 + start * 1000 // SECOND
    return StoredSegment(msn, start, 2 * SECOND, wall_ms, discontinuity, 0, key="k", offset=0, size=size)


def recorded(msn: int, data: bytes = b"x", *, timescale: int = SECOND) -> RecordedSegment:
    return RecordedSegment(msn, 2 * timescale * msn, 2 * timescale, 2_000 * msn, 0, 7, data)


def test_what_is_missing_in_between_is_a_gap_of_its_time() -> None:
    timeline = Timeline([stored(0), stored(1), stored(5)], timescale=SECOND)
    assert [(one.msn, one.dts, one.duration, one.gap) for one in timeline.segments[2:5]] == [
        (msn, 2 * SECOND * msn, 2 * SECOND, True) for msn in (2, 3, 4)
    ]
    assert timeline.lost == 3
    assert timeline.duration_ms == 12_000


def test_the_time_in_which_the_encoder_was_away_is_in_no_gap() -> None:
    later = stored(4, dts=500 * SECOND, discontinuity=1)
    timeline = Timeline([stored(0), stored(1), later], timescale=SECOND)
    assert [one.duration for one in timeline.segments] == [2 * SECOND] * 5
    assert timeline.position_of(later.wall_ms) == 8_000
    assert timeline.position_of(later.wall_ms - 60_000) == 8_000  # nothing was recorded then: where it goes on


def test_positions_of_moments_and_moments_of_positions() -> None:
    timeline = Timeline([stored(msn) for msn in range(10)], timescale=SECOND)
    assert timeline.position_of(1_000_000) == 0
    assert timeline.position_of(1_000_000 + 4_321) == 4_321
    assert timeline.position_of(0) == 0
    assert timeline.position_of(10**12) == 20_000
    assert [timeline.index_at(at) for at in (0, 1_999, 2_000, 19_999, 10**9)] == [0, 0, 1, 9, 9]
    assert timeline.start_ms(3) == 6_000


def test_three_hours_are_exact_and_quick() -> None:
    third = 180_180  # 29.97 frames a second: 2.002 s
    segments = [
        StoredSegment(msn, msn * third, third, msn * 2_002, 0, 0, key="k", offset=0, size=750_000)
        for msn in range(5_400)
        if msn != 2_700
    ]
    began = time.process_time()
    timeline = Timeline(segments, timescale=SECOND)
    assert timeline.ticks == 5_400 * third
    assert timeline.lost == 1
    assert timeline.start_ms(5_399) == 5_399 * 2_002
    assert timeline.peak == 750_000 * 8 * SECOND // third
    assert time.process_time() - began < 2


def test_chunks_become_segments() -> None:
    chunks = [
        Chunk(3, 0, 0, SECOND, 0, True, Closes.PART, 0, 5, b"a"),
        Chunk(3, 1, SECOND, SECOND, 1_000, False, Closes.SEGMENT, 0, 5, b"b"),
        Chunk(4, 0, 2 * SECOND, SECOND, 2_000, False, Closes.PART, 0, 5, b"", gap=True),
        Chunk(4, 1, 3 * SECOND, SECOND, 3_000, False, Closes.SEGMENT, 0, 6, b"d"),
    ]
    kept = assemble(chunks, holes_are_gaps=False)
    assert [(one.msn, one.dts, one.duration, one.init, one.data) for one in kept.values()] == [
        (3, 0, 2 * SECOND, 5, b"ab"),
        (4, 2 * SECOND, 2 * SECOND, 6, b"d"),
    ]
    assert assemble(chunks, holes_are_gaps=True)[4].gap


def test_a_rendition_has_the_leading_ones_gaps_where_it_has_nothing() -> None:
    leading = bridge({msn: recorded(msn) for msn in (0, 1, 3)})
    assert [one.msn for one in leading if one.gap] == [2]
    filled = fill_from(
        {1: recorded(1, timescale=48_000), 4: recorded(4, timescale=48_000)},
        leading,
        timescale=48_000,
        like_timescale=SECOND,
    )
    assert [(one.msn, one.dts, one.gap) for one in filled] == [
        (0, 0, True),
        (1, 96_000, False),
        (2, 192_000, True),
        (3, 288_000, True),
        (4, 384_000, False),
    ]
    assert {one.init for one in filled} == {7}
