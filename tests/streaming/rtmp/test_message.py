from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv import amf0
from streaming.flv.file import pack
from streaming.flv.tag import Tag, TagType
from streaming.rtmp.errors import MessageError
from streaming.rtmp.message import (
    Command,
    Message,
    MessageType,
    acknowledgement,
    command,
    parse_command,
    parse_uint32,
    parse_user_control,
    split_aggregate,
)


def test_commands_both_ways() -> None:
    call = Command("publish", 5.0, (None, "key", "live"))
    assert parse_command(command(call, 1)) == call


def test_a_command_marked_as_amf_3_may_hold_amf_0() -> None:
    body = b"\x00" + amf0.encode("createStream", 4, None)
    assert parse_command(Message(MessageType.COMMAND_AMF3, 0, 0, body)) == Command("createStream", 4.0, (None,))


@pytest.mark.parametrize("values", [(), (1.0,), ("x", "y"), ("x", True)])
def test_commands_without_name_or_number_are_refused(values: tuple[amf0.Value, ...]) -> None:
    with pytest.raises(MessageError):
        parse_command(Message(MessageType.COMMAND_AMF0, 0, 0, amf0.encode(*values)))


def test_cut_off_control_messages_are_refused() -> None:
    with pytest.raises(MessageError):
        parse_uint32(Message(MessageType.ACKNOWLEDGEMENT, 0, 0, b"123"))
    with pytest.raises(MessageError):
        parse_user_control(Message(MessageType.USER_CONTROL, 0, 0, b"1"))


def test_an_acknowledgement_wraps() -> None:
    assert parse_uint32(acknowledgement((1 << 32) + 7)) == 7


def test_an_aggregate_is_split_and_moved_to_its_own_timestamp() -> None:
    body = pack(Tag(TagType.VIDEO, 50, b"vv")) + pack(Tag(TagType.AUDIO, 60, b"a"))
    parts = list(split_aggregate(Message(MessageType.AGGREGATE, 1, 1000, body)))
    assert parts == [Message(9, 1, 1000, b"vv"), Message(8, 1, 1010, b"a")]


def test_a_cut_off_aggregate_is_refused() -> None:
    body = pack(Tag(TagType.VIDEO, 50, b"vv"))
    for end in range(1, 13):
        with pytest.raises(MessageError):
            list(split_aggregate(Message(MessageType.AGGREGATE, 1, 0, body[:end])))


@given(st.binary(max_size=100))
def test_any_body_gives_a_command_or_a_message_error(body: bytes) -> None:
    with contextlib.suppress(MessageError):
        parse_command(Message(MessageType.COMMAND_AMF0, 0, 0, body))
