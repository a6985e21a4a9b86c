from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.cmaf.chunk import pack_chunk, unpack_chunk
from streaming.cmaf.errors import BoxError, CmafError, PackagingError
from streaming.media import AccessUnit

GOLDEN = bytes.fromhex(
    "0000007c 6d6f6f66"
    "  00000010 6d666864 00000000 00000065"  # sequence number 101
    "  00000064 74726166"
    "    00000014 74666864 00020020 00000001 02000000"  # track 1, samples are sync by default
    "    00000014 74666474 01000000 0000000000015f90"  # 90000
    "    00000034 7472756e 01000f01 00000002 00000084"  # two samples, media 132 bytes after the moof's start
    "      00000bb8 00000003 02000000 00000000"
    "      00000bb8 00000002 01010000 fffff448"  # shown 3000 ticks before it is decoded
    "0000000d 6d646174 6162636465"
)
UNITS = [AccessUnit(90_000, 90_000, b"abc", sync=True), AccessUnit(93_000, 90_000, b"de", sync=False)]


def test_golden_bytes() -> None:
    assert pack_chunk(90_000, UNITS, [3_000, 3_000], timescale=90_000) == GOLDEN
    assert unpack_chunk(GOLDEN) == [(UNITS[0], 3_000), (UNITS[1], 3_000)]


def test_audio_needs_only_durations_and_sizes() -> None:
    units = [AccessUnit(1024 * n, 1024 * n, b"x" * n, sync=True) for n in range(1, 4)]
    chunk = pack_chunk(1024, units, [1024] * 3, timescale=48_000)
    assert len(chunk) == 8 + 16 + 8 + 20 + 20 + 20 + 3 * 8 + 8 + 6
    assert unpack_chunk(chunk) == [(unit, 1024) for unit in units]


def test_a_segment_is_its_chunks_in_a_row() -> None:
    other = pack_chunk(96_000, [AccessUnit(96_000, 99_000, b"f", sync=False)], [1], timescale=90_000)
    assert [unit.data for unit, _ in unpack_chunk(GOLDEN + other)] == [b"abc", b"de", b"f"]


def test_sequence_numbers_rise_without_a_memory() -> None:
    """ISO/IEC 14496-12 8.8.5.3."""
    numbers = [
        pack_chunk(dts, [AccessUnit(dts, dts, b"", sync=True)], [900], timescale=90_000)[20:24]
        for dts in range(0, 90_000, 900)
    ]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("durations", [[3_000], [3_000, -1], [3_000, 1 << 31]])
def test_what_a_box_cannot_hold_is_refused(durations: list[int]) -> None:
    with pytest.raises(PackagingError):
        pack_chunk(90_000, UNITS, durations, timescale=90_000)


def test_a_chunk_of_nothing_is_refused() -> None:
    with pytest.raises(PackagingError):
        pack_chunk(0, [], [], timescale=90_000)


def test_every_truncation_is_a_clean_error() -> None:
    for length in range(1, len(GOLDEN)):
        with pytest.raises(BoxError):
            unpack_chunk(GOLDEN[:length])


@given(st.data())
def test_a_damaged_chunk_is_read_or_refused_cleanly(data: st.DataObject) -> None:
    damaged = bytearray(GOLDEN)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(GOLDEN) - 1))] = data.draw(st.integers(0, 255))
    try:
        unpack_chunk(bytes(damaged))
    except CmafError:
        return


SAMPLES = st.lists(
    st.tuples(st.integers(1, 1 << 20), st.integers(-(1 << 20), 1 << 20), st.binary(max_size=20), st.booleans()),
    min_size=1,
    max_size=20,
)


@given(st.integers(1 << 21, 1 << 50), SAMPLES)
def test_what_is_packed_is_unpacked_alike(dts: int, samples: list[tuple[int, int, bytes, bool]]) -> None:
    units, durations, at = [], [], dts
    for duration, offset, data, sync in samples:
        units.append(AccessUnit(at, at + offset, data, sync))
        durations.append(duration)
        at += duration
    assert unpack_chunk(pack_chunk(dts, units, durations, timescale=90_000)) == list(zip(units, durations, strict=True))
