from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.cmaf.boxes import find, pack, pack_full, unpack, unpack_full
from streaming.cmaf.errors import BoxError, CmafError


def test_a_box_is_size_kind_and_body() -> None:
    assert pack(b"free", b"ab", b"c") == b"\0\0\0\x0bfreeabc"


def test_a_full_box_has_version_and_flags() -> None:
    assert pack_full(b"tfdt", 1, 0x20, b"x") == b"\0\0\0\x0dtfdt\x01\0\0\x20x"
    version, flags, body = unpack_full(next(unpack(pack_full(b"tfdt", 1, 0x20, b"x"))))
    assert (version, flags, bytes(body)) == (1, 0x20, b"x")


def test_boxes_are_found_by_their_path() -> None:
    data = pack(b"free") + pack(b"moof", pack(b"mfhd", b"1"), pack(b"traf", pack(b"tfdt", b"2")))
    assert bytes(find(data, b"moof", b"traf", b"tfdt").body) == b"2"


def test_a_missing_box_is_named() -> None:
    with pytest.raises(BoxError, match="trun: missing"):
        find(pack(b"moof", pack(b"traf")), b"moof", b"traf", b"trun")


def test_sizes_of_64_bits_and_to_the_end() -> None:
    large = b"\0\0\0\x01mdat" + (18).to_bytes(8, "big") + b"ab"
    rest = b"\0\0\0\0mdatxyz"
    assert [bytes(box.body) for box in unpack(large + rest)] == [b"ab", b"xyz"]


@pytest.mark.parametrize("data", [b"\0\0\0", b"\0\0\0\x07free", b"\0\0\0\x09free", b"\0\0\0\x01free\0\0\0"])
def test_boxes_that_are_cut_short_are_refused(data: bytes) -> None:
    with pytest.raises(BoxError):
        list(unpack(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_boxes_or_a_clean_error(data: bytes) -> None:
    try:
        boxes = list(unpack(data))
    except CmafError:
        return
    assert sum(box.size for box in boxes) == len(data)
