from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv.amf0 import MAX_DEPTH, MAX_VALUES, EcmaArray, Value, decode, encode
from streaming.flv.errors import Amf0Error
from streaming.flv.file import Demuxer

from .clips import clip

GOLDEN = [
    (1.0, "00 3ff0000000000000"),
    (True, "01 01"),
    ("live", "02 0004 6c697665"),
    ({"app": "live"}, "03 0003 617070 02 0004 6c697665 0000 09"),
    (None, "05"),
    (EcmaArray(fps=30.0), "08 00000001 0003 667073 00 403e000000000000 0000 09"),
    (["avc1"], "0a 00000001 02 0004 61766331"),
    ("x" * 65536, "0c 00010000" + "78" * 65536),
]

values: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(("value", "golden"), GOLDEN)
def test_golden_bytes_both_ways(value: Value, golden: str) -> None:
    data = bytes.fromhex(golden)
    assert encode(value) == data
    assert decode(data) == [value]


def test_ecma_arrays_stay_apart_from_objects() -> None:
    (array,) = decode(encode(EcmaArray(a=1.0)))
    assert isinstance(array, EcmaArray)


def test_ffmpegs_metadata_is_rebuilt_byte_for_byte() -> None:
    tag = next(Demuxer().feed(clip("h264")))
    name, metadata = decode(tag.body)
    assert name == "onMetaData"
    assert isinstance(metadata, EcmaArray)
    assert (metadata["width"], metadata["framerate"]) == (320.0, 30.0)
    assert encode(name, metadata) == tag.body


@given(st.lists(values, max_size=4))
def test_what_was_encoded_is_decoded(items: list[Value]) -> None:
    assert decode(encode(*items)) == items


@given(st.binary(max_size=300))
def test_any_bytes_give_values_or_an_amf_error(data: bytes) -> None:
    with contextlib.suppress(Amf0Error):
        decode(data)


def test_truncation_at_every_byte_is_an_error() -> None:
    data = encode({"a": [1.0, "two", None], "b": EcmaArray(c=True)})
    for end in range(1, len(data)):
        with pytest.raises(Amf0Error, match="cut off"):
            decode(data[:end])


def test_nesting_is_bounded() -> None:
    with pytest.raises(Amf0Error, match="deep"):
        decode(b"\x03\x00\x01a" * (MAX_DEPTH + 2))
    deep: Value = None
    for _ in range(MAX_DEPTH + 2):
        deep = [deep]
    with pytest.raises(Amf0Error, match="deep"):
        encode(deep)


def test_the_number_of_values_is_bounded_whatever_a_count_says() -> None:
    with pytest.raises(Amf0Error, match="more than"):
        decode(b"\x0a\xff\xff\xff\xff" + b"\x05" * (MAX_VALUES + 1))


def test_a_date_is_milliseconds() -> None:
    assert decode(bytes.fromhex("0b 4270000000000000 0000")) == [math.pow(2, 40)]


def test_references_and_amf3_are_refused() -> None:
    for marker in (0x07, 0x10, 0x11, 0xFF):
        with pytest.raises(Amf0Error, match=f"0x{marker:02x}"):
            decode(bytes((marker, 0, 0)))


def test_text_in_another_encoding_does_not_end_a_broadcast() -> None:
    assert decode(b"\x02\x00\x02\xfcb") == ["\N{REPLACEMENT CHARACTER}b"]
