from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv import obu
from streaming.flv.errors import FlvTagError

DELIMITER = bytes.fromhex("12 00")
SEQUENCE = bytes.fromhex("0a 03 00 00 00")


def frame(head: int) -> bytes:
    return bytes((0x32, 2, head, 0))


KEY, HIDDEN_KEY, INTER, SHOW_EXISTING = 0x10, 0x00, 0x30, 0x80


@pytest.mark.parametrize(("head", "key"), [(KEY, True), (HIDDEN_KEY, False), (INTER, False), (SHOW_EXISTING, False)])
def test_only_a_shown_key_frame_is_one(head: int, *, key: bool) -> None:
    assert obu.is_key(SEQUENCE + frame(head)) is key


def test_the_first_frame_decides() -> None:
    assert not obu.is_key(frame(INTER) + frame(KEY))


def test_delimiters_are_taken_out() -> None:
    assert obu.without_delimiters(DELIMITER + SEQUENCE + frame(KEY)) == SEQUENCE + frame(KEY)


def test_the_last_unit_may_leave_its_size_out() -> None:
    assert obu.is_key(SEQUENCE + bytes((0x30, KEY, 0)))


@pytest.mark.parametrize("broken", ["32 05 10", "32", "80", "32 ff", "32 00"])
def test_broken_units_are_refused(broken: str) -> None:
    with pytest.raises(FlvTagError):
        obu.is_key(bytes.fromhex(broken))


@given(st.binary(max_size=64))
def test_any_bytes_give_an_answer_or_a_tag_error(data: bytes) -> None:
    with contextlib.suppress(FlvTagError):
        obu.is_key(obu.without_delimiters(data))
