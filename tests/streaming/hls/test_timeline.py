from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.hls.directives import Directives
from streaming.hls.errors import ChunkOrderError
from streaming.hls.timeline import MAX_SEGMENTS, WINDOW_MS, Answer, Timeline
from streaming.media import Chunk, Closes
from tests.streaming.hls.chunks import PART, render, segment, segments, timeline
from tests.strict_hls import Reader


def test_a_part_is_listed_when_it_is_whole() -> None:
    chunks = list(segments(0, 2))
    made = timeline(chunks[:10])
    assert made.newest == (0, 4)
    assert not made.append(chunks[10])
    assert made.newest == (0, 4)
    assert made.append(chunks[11])
    assert made.newest == (1, 0)


def test_a_part_may_end_without_announcement() -> None:
    first, second, third, *_ = segment(0)
    made = timeline([first, replace(second, closes=Closes.NOTHING)])
    assert not made.segments[0].parts
    assert made.append(third)
    assert [part.duration for part in made.segments[0].parts] == [PART]


def test_a_segment_may_end_without_announcement() -> None:
    made = timeline(segment(0, closes=False))
    before = made.has_begun
    made.append(next(segment(1)))
    assert (before, made.has_begun) == (False, True)


def test_a_playlist_begins_with_a_whole_segment() -> None:
    made = timeline(islice(segment(0), 9))
    assert not made.has_begun
    made.append(list(segment(0))[9])
    assert made.has_begun


@pytest.mark.parametrize("seen_from", [1, 2, 5])
def test_a_segment_seen_from_its_middle_is_not_listed(seen_from: int) -> None:
    made = timeline([*list(segment(4))[seen_from:], *segment(5)])
    assert [one.msn for one in made.segments] == [5]


def test_a_rendition_that_runs_again_begins_anew() -> None:
    made = timeline([*segments(0, 3), *segments(90, 2)])
    assert [one.msn for one in made.segments] == [90, 91]


def test_the_window_slides_and_is_bounded() -> None:
    made = timeline(segments(0, 60))
    listed = sum(one.duration for one in made.segments)
    assert WINDOW_MS <= listed // 90 < WINDOW_MS + 2_000
    assert made.segments[-1].msn == 59


def test_tiny_segments_are_bounded_by_number() -> None:
    chunks = (chunk for msn in range(300) for chunk in segment(msn, parts=1, last=90, start=msn * 90))
    assert len(timeline(chunks).segments) == MAX_SEGMENTS


@pytest.mark.parametrize(("msn", "part"), [(1, 0), (1, 4), (0, 2)])
def test_chunks_out_of_order_are_refused(msn: int, part: int) -> None:
    made = timeline([*segment(0), *list(segment(1))[:4]])
    with pytest.raises(ChunkOrderError):
        made.append(replace(list(segment(1))[4], msn=msn, part=part))


def test_the_next_part_is_hinted_at() -> None:
    chunks = list(segments(0, 2))
    assert timeline(chunks[:8]).next_part == (0, 4)
    assert timeline(chunks[:10]).next_part == (1, 0)
    assert timeline(chunks[:11]).next_part == (1, 0)
    assert timeline(chunks[:12]).next_part == (1, 1)


ANSWERS = [
    (None, None, Answer.READY),
    (0, None, Answer.READY),
    (5, None, Answer.READY),
    (6, None, Answer.WAIT),  # the whole of it
    (6, 0, Answer.READY),
    (6, 1, Answer.READY),
    (6, 2, Answer.WAIT),
    (6, 9, Answer.WAIT),
    (5, 4, Answer.READY),
    (5, 5, Answer.READY),  # means the first part of the next segment
    (7, 0, Answer.WAIT),
    (8, None, Answer.WAIT),
    (8, 3, Answer.WAIT),
    (9, None, Answer.REFUSE),
    (9, 0, Answer.REFUSE),
]


@pytest.mark.parametrize(("msn", "part", "answer"), ANSWERS)
def test_answers_while_segment_6_has_two_parts(msn: int | None, part: int | None, answer: Answer) -> None:
    made = timeline([*segments(3, 3), *list(segment(6))[:5]])
    assert made.answer(Directives(msn, part)) is answer


def test_answers_when_segment_6_is_whole_and_7_has_not_begun() -> None:
    made = timeline(segments(3, 4))
    assert made.answer(Directives(6, None)) is Answer.READY
    assert made.answer(Directives(6, 5)) is Answer.WAIT
    assert made.answer(Directives(7, 0)) is Answer.WAIT
    assert made.answer(Directives(9, 0)) is Answer.REFUSE


def test_everybody_waits_for_the_first_segment() -> None:
    assert timeline(islice(segment(0), 5)).answer(Directives()) is Answer.WAIT


def test_nobody_waits_for_what_has_ended() -> None:
    made = timeline([*segments(0, 2), *list(segment(2))[:3]])
    made.end()
    assert made.answer(Directives(50, 0)) is Answer.READY
    assert [len(one.parts) for one in made.segments] == [5, 5, 2]
    assert all(one.closed for one in made.segments)


def test_an_end_before_anything_leaves_nothing() -> None:
    made = timeline()
    made.end()
    assert not made.has_begun
    assert made.newest is None


def slow(msn: int) -> list[Chunk]:
    """A segment whose second frame lasts for a second and is a part of its own."""
    first = replace(next(segment(msn)), duration=PART, closes=Closes.PART)
    frame = replace(first, part=1, dts=first.dts + PART, duration=90_000, independent=False, closes=Closes.PART)
    last = replace(frame, part=2, dts=frame.dts + 90_000, duration=54_000 - PART // 2, closes=Closes.SEGMENT)
    rest = replace(frame, part=2, dts=frame.dts + 90_000, duration=PART, closes=Closes.PART)
    return [first, frame, rest, replace(last, part=3, dts=rest.dts + PART, duration=18_000)]


def test_a_part_longer_than_allowed_is_listed_only_within_its_segment() -> None:
    made = timeline([*segment(0), *slow(1)[:2]])
    assert made.newest == (1, 0)
    assert made.next_part == (1, 1)
    assert made.answer(Directives(1, 1)) is Answer.WAIT
    for chunk in slow(1)[2:]:
        made.append(chunk)
    assert made.answer(Directives(1, 1)) is Answer.READY, "the whole segment has it"
    assert made.answer(Directives(1, 3)) is Answer.READY
    assert made.answer(Directives(1, 4)) is Answer.WAIT
    assert "1.0.m4s" in render(made)
    assert "1.1.m4s" not in render(made)
    assert "#EXTINF:2.000000,\n1.m4s" in render(made)


@given(st.data())
def test_whatever_is_asked_is_answered_alike_by_the_playlist(data: st.DataObject) -> None:
    """READY means that the playlist has the part, WAIT that it has not."""
    chunks = list(segments(2, 6))
    made = timeline(chunks[: data.draw(st.integers(10, len(chunks)))])
    msn, part = data.draw(st.integers(0, made.segments[-1].msn + 2)), data.draw(st.integers(0, 4))
    listed = f'"{msn}.{part}.m4s"' in render(made).split("#EXT-X-PRELOAD-HINT")[0]
    if msn >= 5:
        assert (made.answer(Directives(msn, part)) is Answer.READY) == listed


def test_every_playlist_on_the_way_is_legal_and_only_grows() -> None:
    made: Timeline = timeline()
    readers = Reader(), Reader()
    for chunk in [
        *segments(0, 25),
        *segment(25, gap_from=2),
        *segment(26, discontinuity=1, init=1, start=30 * 5 * PART),
        *segment(27, discontinuity=1, init=2, start=31 * 5 * PART, parts=3, last=900),
        *segment(28, discontinuity=2, init=2, start=40 * 5 * PART),
    ]:
        if made.append(chunk) and made.has_begun:
            full = readers[0].take(render(made))
            delta = readers[1].take(render(made, skip=readers[1].latest is not None))
            # A delta update keeps the parts of what it skips with the player.
            assert [one.msn for one in delta.segments] == [one.msn for one in full.segments]
            assert [one.discontinuity for one in delta.segments] == [one.discontinuity for one in full.segments]
            assert [one.init for one in delta.segments] == [one.init for one in full.segments]
    made.end()
    assert readers[0].take(render(made)).ended
    assert readers[1].latest is not None
    assert readers[1].latest.skipped > 0
