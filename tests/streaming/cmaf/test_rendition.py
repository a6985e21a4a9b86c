from __future__ import annotations

import pytest

from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.errors import PackagingError
from streaming.cmaf.rendition import MAX_UNITS, Opening, RenditionPackager, gap_chunks
from streaming.media import AccessUnit, Chunk, Closes

FRAME = 3_000
OPENING = Opening(msn=7, dts=180_000, wall_ms=1_000_000, discontinuity=2, init=3)


def unit(index: int, frame: int = FRAME, start: int = OPENING.dts) -> AccessUnit:
    at = start + index * frame
    return AccessUnit(at, at, b"data", sync=index == 0)


def packed(count: int, *, chunk_ms: int | None = None, frame_rate: int = 0, ahead: bool = False) -> list[Chunk]:
    packager = RenditionPackager(90_000, chunk_ms=chunk_ms, frame_rate=frame_rate)
    packager.open(OPENING)
    chunks = []
    for index in range(count):
        following = OPENING.dts + (index + 1) * FRAME if ahead and index + 1 < count else None
        chunks += packager.add(unit(index), following)
    return chunks + packager.close(OPENING.dts + count * FRAME)


def test_a_chunk_is_a_part_by_default() -> None:
    chunks = packed(30)
    assert [(chunk.part, chunk.duration, chunk.closes) for chunk in chunks] == [
        (0, 36_000, Closes.PART),
        (1, 36_000, Closes.PART),
        (2, 18_000, Closes.SEGMENT),
    ]


def test_numbers_are_those_of_the_opening() -> None:
    first, second, _ = packed(30)
    assert (first.msn, first.dts, first.wall_ms, first.discontinuity, first.init) == (7, 180_000, 1_000_000, 2, 3)
    assert (second.dts, second.wall_ms) == (216_000, 1_000_400)
    assert (first.independent, second.independent) == (True, False)


def test_one_unit_is_held_back() -> None:
    packager = RenditionPackager(90_000)
    packager.open(OPENING)
    assert [len(packager.add(unit(index))) for index in range(14)] == [0] * 12 + [1, 0]
    assert packager.held == unit(13)


def test_nothing_is_held_when_the_next_time_is_known() -> None:
    packager = RenditionPackager(90_000)
    packager.open(OPENING)
    counts = [len(packager.add(unit(index), unit(index + 1).dts)) for index in range(12)]
    assert counts == [0] * 11 + [1]
    assert packed(30, ahead=True) == packed(30)


def test_fine_chunks_make_up_a_part() -> None:
    chunks = packed(24, chunk_ms=80)
    assert [(chunk.part, chunk.duration // FRAME) for chunk in chunks] == [(0, 3)] * 4 + [(1, 3)] * 4
    assert [chunk.closes for chunk in chunks[:4]] == [Closes.NOTHING] * 3 + [Closes.PART]
    assert [chunk.independent for chunk in chunks] == [True] + [False] * 7


def test_an_idr_inside_a_part_does_not_make_it_independent() -> None:
    packager = RenditionPackager(90_000, chunk_ms=80)
    packager.open(OPENING)
    chunks = []
    for index in range(12):
        at = OPENING.dts + index * FRAME
        chunks += packager.add(AccessUnit(at, at, b"", sync=index in (0, 3)), at + FRAME)
    assert [chunk.independent for chunk in chunks] == [True, False, False, False]


def test_a_takeover_goes_on_with_the_part_after_the_last() -> None:
    whole = packed(30)
    packager = RenditionPackager(90_000)
    packager.open(Opening(7, whole[1].dts, whole[1].wall_ms, 2, 3, part=1))
    chunks = []
    for index in range(12, 30):
        chunks += packager.add(unit(index))
    chunks += packager.close(OPENING.dts + 30 * FRAME)
    assert chunks == whole[1:]


def test_the_frame_rate_tells_where_a_part_ends_among_rounded_times() -> None:
    times = [round(index * 1001 / 30) * 90 for index in range(60)]
    packager = RenditionPackager(90_000, frame_rate=29_970)
    packager.open(Opening(0, 0, 0, 0, 0))
    chunks = []
    for index, time in enumerate(times):
        chunks += packager.add(AccessUnit(time, time, b"", sync=index == 0))
    assert [len(unpack_chunk(chunk.data)) for chunk in chunks] == [11] * 5
    assert {chunk.closes for chunk in chunks} == {Closes.PART}


def test_a_slow_frame_is_a_part_of_its_own() -> None:
    packager = RenditionPackager(90_000)
    packager.open(OPENING)
    times = [180_000, 183_000, 250_000, 253_000]
    chunks = []
    for time in times:
        chunks += packager.add(AccessUnit(time, time, b"", sync=False))
    chunks += packager.close(256_000)
    assert [(chunk.part, chunk.dts, chunk.duration) for chunk in chunks] == [
        (0, 180_000, 3_000),
        (1, 183_000, 67_000),
        (2, 250_000, 6_000),
    ]


def test_a_flood_of_units_is_handed_out_early() -> None:
    packager = RenditionPackager(90_000)
    packager.open(OPENING)
    chunks = []
    for index in range(MAX_UNITS + 2):
        chunks += packager.add(unit(index, frame=1))
    assert [(chunk.part, chunk.closes) for chunk in chunks] == [(0, Closes.NOTHING)]


def test_a_gap_fills_the_time_with_parts_without_data() -> None:
    packager = RenditionPackager(90_000)
    packager.open(OPENING)
    packager.add(unit(0))
    chunks = packager.gap(OPENING.dts + 90_000, FRAME) + packager.close(OPENING.dts + 90_000)
    assert [(chunk.part, chunk.duration, chunk.gap, bool(chunk.data)) for chunk in chunks] == [
        (0, FRAME, False, True),
        (1, 36_000, True, False),
        (2, 36_000, True, False),
        (3, 15_000, True, False),
    ]


def test_media_goes_on_after_a_gap() -> None:
    packager = RenditionPackager(90_000)
    packager.open(OPENING)
    chunks = packager.gap(OPENING.dts + 36_000, FRAME) + packager.add(unit(12)) + packager.close(OPENING.dts + 45_000)
    assert [(chunk.part, chunk.dts, chunk.gap) for chunk in chunks] == [(0, 180_000, True), (1, 216_000, False)]
    assert chunks[-1].closes is Closes.SEGMENT


def test_a_segment_of_gaps() -> None:
    chunks = gap_chunks(OPENING, OPENING.dts + 180_000, timescale=90_000)
    assert [chunk.duration for chunk in chunks] == [36_000] * 5
    assert [chunk.closes for chunk in chunks] == [Closes.PART] * 4 + [Closes.SEGMENT]
    assert chunks[-1].wall_ms == 1_001_600
    assert all(chunk.gap and not chunk.data and not chunk.independent for chunk in chunks)


@pytest.mark.parametrize("time", [OPENING.dts - 1, OPENING.dts + 1])
def test_a_unit_that_does_not_follow_is_refused(time: int) -> None:
    packager = RenditionPackager(90_000)
    packager.open(OPENING)
    packager.add(AccessUnit(time, time, b"", sync=True))
    with pytest.raises(PackagingError, match="is due"):
        packager.close(OPENING.dts + FRAME)


def test_two_segments_are_not_open_at_once() -> None:
    packager = RenditionPackager(90_000)
    packager.open(OPENING)
    with pytest.raises(PackagingError, match="inside segment 7"):
        packager.open(OPENING)


def test_no_unit_without_a_segment() -> None:
    with pytest.raises(PackagingError, match="outside a segment"):
        RenditionPackager(90_000).add(unit(0))
