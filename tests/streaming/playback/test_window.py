from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.media import Chunk, Closes
from streaming.playback.window import SEGMENTS, Placed, Window
from tests.streaming.bus.chunks import chunk, segment


def window_of(*chunks: Chunk) -> Window:
    window = Window()
    for number, one in enumerate(chunks):
        window.append(b"%d-0" % number, one, len(one.data))
    return window


def test_a_part_spans_its_chunks() -> None:
    window = window_of(*(replace(chunk(0, 0), closes=Closes.NOTHING) for _ in range(3)), chunk(0, 1))
    part = window.part(0, 0)
    assert part is not None
    assert (part.first, part.last, part.whole) == (b"0-0", b"2-0", True)
    assert part.size == 3 * len(chunk(0, 0).data)


def test_a_part_is_whole_when_its_chunk_says_so() -> None:
    part = window_of(chunk(0, 0)).part(0, 0)
    assert part is not None
    assert part.whole


def test_an_open_part_is_not_whole() -> None:
    part = window_of(replace(chunk(0, 0), closes=Closes.NOTHING)).part(0, 0)
    assert part is not None
    assert not part.whole


def test_a_segment_ends_unannounced_when_the_next_begins() -> None:
    window = window_of(*segment(0)[:2], chunk(1, 0))
    assert window.segments[0].whole
    assert not window.segments[1].whole


def test_closing_makes_whole_what_is_there() -> None:
    window = window_of(*segment(0), replace(chunk(1, 0), closes=Closes.NOTHING))
    window.close()
    part = window.part(1, 0)
    assert window.segments[1].whole
    assert part is not None
    assert part.whole


@pytest.mark.parametrize("hole", [chunk(2, 0), chunk(9, 0), chunk(0, 0)], ids=["gap", "far", "back"])
def test_a_hole_begins_the_window_anew(hole: Chunk) -> None:
    window = window_of(*segment(0)[:3])
    assert window.append(b"9-0", hole, 1) is Placed.AFRESH
    assert list(window.segments) == [hole.msn]


def test_inside_a_segment_whose_start_is_unknown_nothing_is_taken() -> None:
    window = window_of(*segment(0)[:2])
    assert window.append(b"8-0", chunk(0, 3), 1) is Placed.NOWHERE
    assert window.append(b"9-0", chunk(0, 4), 1) is Placed.NOWHERE
    assert not window.segments
    assert window.append(b"10-0", chunk(1, 0), 1) is Placed.AFRESH


def test_nothing_follows_inside_a_whole_segment() -> None:
    window = window_of(*segment(0))
    assert window.append(b"9-0", chunk(0, 5), 1) is Placed.NOWHERE


def test_the_number_of_segments_is_bounded() -> None:
    window = window_of(*(one for msn in range(SEGMENTS + 9) for one in segment(msn)))
    assert list(window.segments) == list(range(9, SEGMENTS + 9))


@pytest.mark.parametrize(
    ("msn", "part", "due"),
    [
        (1, 1, False),
        (1, 2, True),
        (1, 3, True),
        (1, 4, False),
        (2, 0, True),
        (2, 1, False),
        (3, 0, False),
        (0, 9, False),
    ],
)
def test_what_is_due_is_the_open_part_the_next_and_the_next_segments_first(msn: int, part: int, due: bool) -> None:
    opened = replace(chunk(1, 2), closes=Closes.NOTHING)
    assert window_of(*segment(0), *segment(1)[:2], opened).is_due(msn, part) is due


def test_behind_a_whole_segment_only_the_next_one_is_due() -> None:
    window = window_of(*segment(0))
    assert window.is_due(1, 0)
    assert not window.is_due(0, 5)
