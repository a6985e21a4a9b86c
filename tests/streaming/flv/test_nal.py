from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv import nal
from streaming.flv.errors import FlvTagError
from streaming.media import Codec


def unit(*nals: bytes, size: int = 4) -> bytes:
    return b"".join(len(data).to_bytes(size, "big") + data for data in nals)


SEI, IDR, SLICE = b"\x06\x01", b"\x65\x88", b"\x41\x9a"


def test_an_h264_idr_is_found_behind_other_units() -> None:
    assert nal.is_idr(Codec.H264, unit(SEI, IDR))
    assert not nal.is_idr(Codec.H264, unit(SEI, SLICE))


@pytest.mark.parametrize(("kind", "idr"), [(19, True), (20, True), (21, False), (1, False), (32, False)])
def test_hevc_idr_types(kind: int, *, idr: bool) -> None:
    assert nal.is_idr(Codec.HEVC, unit(bytes((kind << 1, 1)))) is idr


def test_a_unit_that_runs_past_the_end_is_refused() -> None:
    data = unit(SEI, IDR)
    for end in (1, 4, 5, 7, 10, 11):
        with pytest.raises(FlvTagError):
            nal.is_idr(Codec.H264, data[:end])


def test_short_length_fields_are_lengthened() -> None:
    assert nal.lengthened(unit(SEI, IDR, size=2), 2) == unit(SEI, IDR)


def test_the_length_size_is_read_and_rewritten() -> None:
    avcc = bytes.fromhex("01 64 00 1f fd e1")
    assert nal.length_size(Codec.H264, avcc) == 2
    assert nal.length_size(Codec.H264, nal.with_long_lengths(Codec.H264, avcc)) == 4


def test_a_length_size_of_three_does_not_exist() -> None:
    with pytest.raises(FlvTagError):
        nal.length_size(Codec.H264, bytes.fromhex("01 64 00 1f fe e1"))


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5), st.sampled_from([2, 4]))
def test_units_are_found_again(nals: list[bytes], size: int) -> None:
    data = unit(*nals, size=size)
    assert [data[start:end] for start, end in nal.units(data, size)] == nals
