from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.rtmp.chunk import MAX_CHUNK_STREAMS, ChunkReader, ChunkWriter
from streaming.rtmp.errors import ChunkError, RtmpError
from streaming.rtmp.message import Message, MessageType, set_chunk_size

AUDIO, VIDEO = MessageType.AUDIO, MessageType.VIDEO

messages = st.builds(
    Message,
    type=st.sampled_from([AUDIO, VIDEO, 18, 20]),
    stream=st.sampled_from([0, 1]),
    timestamp=st.one_of(st.integers(0, 200), st.integers(0xFFFFF0, 0x100000F), st.integers(0, 0xFFFFFFFF)),
    body=st.binary(max_size=700),
)
numbers = st.sampled_from([2, 3, 63, 64, 319, 320, 65_599])


def read(data: bytes, reader: ChunkReader | None = None) -> list[Message]:
    return list((reader or ChunkReader()).feed(data))


def test_the_specifications_first_example() -> None:
    # RTMP 1.0 5.3.2.1: four audio messages of 32 bytes, 20 ms apart, in headers of type 0, 2, 3, 3
    body = bytes(32)
    data = (
        bytes.fromhex("03 0003e8 000020 08 39300000") + body + bytes.fromhex("83 000014") + body
        + b"\xc3" + body + b"\xc3" + body
    )  # fmt: skip
    sent = [Message(8, 12345, stamp, body) for stamp in (1000, 1020, 1040, 1060)]
    assert read(data) == sent
    writer = ChunkWriter()
    assert b"".join(writer.write(3, message) for message in sent) == data


def test_the_specifications_second_example() -> None:
    # RTMP 1.0 5.3.2.2: a video message of 307 bytes in chunks of 128
    body = bytes(range(256)) + bytes(51)
    data = bytes.fromhex("04 0003e8 000133 09 3a300000") + body[:128] + b"\xc4" + body[128:256] + b"\xc4" + body[256:]
    assert read(data) == [Message(9, 12346, 1000, body)]
    assert ChunkWriter().write(4, Message(9, 12346, 1000, body)) == data


@given(st.lists(st.tuples(numbers, messages), max_size=12), st.integers(1, 400), st.integers(1, 300))
def test_what_was_written_is_read(sent: list[tuple[int, Message]], size: int, step: int) -> None:
    writer, reader = ChunkWriter(), ChunkReader()
    data = writer.write(2, set_chunk_size(size))
    writer.chunk_size = size
    data += b"".join(writer.write(number, message) for number, message in sent)
    received = [message for at in range(0, len(data), step) for message in reader.feed(data[at : at + step])]
    assert received == [message for _, message in sent]


@given(st.binary(max_size=400))
def test_any_bytes_give_messages_or_an_error(data: bytes) -> None:
    with contextlib.suppress(RtmpError):
        read(data)


def test_truncation_at_every_byte_waits_for_the_rest() -> None:
    sent = Message(VIDEO, 1, 0x1234567, bytes(300))
    data = ChunkWriter().write(400, sent)
    for end in range(len(data)):
        reader = ChunkReader()
        assert read(data[:end], reader) == []
        assert read(data[end:], reader) == [sent]


def test_chunks_of_several_streams_interleave() -> None:
    writer = ChunkWriter()
    video, audio = Message(VIDEO, 1, 40, b"v" * 200), Message(AUDIO, 1, 41, b"a" * 50)
    picture, sound = writer.write(6, video), writer.write(4, audio)
    head = 12 + 128
    assert read(picture[:head] + sound + picture[head:]) == [audio, video]


def test_type_3_repeats_the_extended_timestamp() -> None:
    body = bytes(range(200))
    head = bytes.fromhex("04 ffffff 0000c8 09 01000000 01000000")
    data = head + body[:128] + bytes.fromhex("c4 01000000") + body[128:]
    assert read(data) == [Message(VIDEO, 1, 0x1000000, body)]
    assert ChunkWriter().write(4, Message(VIDEO, 1, 0x1000000, body)) == data


def test_type_3_without_its_extended_timestamp_is_read_too() -> None:
    body = bytes(range(200))
    data = bytes.fromhex("04 ffffff 0000c8 09 01000000 01000000") + body[:128] + b"\xc4" + body[128:]
    assert read(data) == [Message(VIDEO, 1, 0x1000000, body)]


def test_a_message_of_type_3_behind_type_0_takes_its_timestamp_as_delta() -> None:
    data = bytes.fromhex("04 000064 000001 08 01000000 aa") + bytes.fromhex("c4 bb")
    assert [message.timestamp for message in read(data)] == [100, 200]


def test_timestamps_wrap_at_32_bits() -> None:
    data = bytes.fromhex("04 ffffff 000001 08 01000000 fffffff0 aa") + bytes.fromhex("84 000020 bb")
    assert [message.timestamp for message in read(data)] == [0xFFFFFFF0, 0x10]


def test_librtmps_first_header_of_type_1_is_read() -> None:
    assert read(bytes.fromhex("42 000000 000006 04 0003 00000001")) == [Message(4, 0, 0, bytes.fromhex("000300000001"))]


def test_a_chunk_size_change_takes_effect_at_the_next_chunk() -> None:
    body = bytes(70_000)
    writer = ChunkWriter()
    data = writer.write(2, set_chunk_size(65_536))
    writer.chunk_size = 65_536
    data += writer.write(6, Message(VIDEO, 1, 0, body))
    assert read(data) == [Message(VIDEO, 1, 0, body)]


def test_an_abort_discards_the_partial_message() -> None:
    writer = ChunkWriter()
    cut = writer.write(6, Message(VIDEO, 1, 0, bytes(300)))[: 12 + 128]
    abort = ChunkWriter().write(2, Message(MessageType.ABORT, 0, 0, (6).to_bytes(4, "big")))
    whole = Message(VIDEO, 1, 20, b"next")
    assert read(cut + abort + ChunkWriter().write(6, whole)) == [whole]


def test_an_empty_message_is_one() -> None:
    assert read(bytes.fromhex("04 000000 000000 08 01000000")) == [Message(AUDIO, 1, 0, b"")]


@pytest.mark.parametrize("size", [0, 1 << 31])
def test_chunk_sizes_outside_the_specification_are_refused(size: int) -> None:
    with pytest.raises(ChunkError, match="chunk size"):
        read(ChunkWriter().write(2, set_chunk_size(size)))


@pytest.mark.parametrize("kind", [2, 3])
def test_a_chunk_stream_cannot_begin_without_a_length(kind: int) -> None:
    with pytest.raises(ChunkError, match="begins with a header"):
        read(bytes((kind << 6 | 5, 0, 0, 0)))


def test_a_message_inside_another_on_one_chunk_stream_is_refused() -> None:
    data = ChunkWriter().write(6, Message(VIDEO, 1, 0, bytes(300)))
    with pytest.raises(ChunkError, match="inside another"):
        read(data[: 12 + 128] + data)


def test_chunk_streams_are_bounded() -> None:
    writer = ChunkWriter()
    data = b"".join(writer.write(number, Message(AUDIO, 1, 0, b"a")) for number in range(2, MAX_CHUNK_STREAMS + 3))
    with pytest.raises(ChunkError, match="chunk streams"):
        read(data)


def test_a_message_above_the_bound_is_refused_at_its_header() -> None:
    with pytest.raises(ChunkError, match="1001 bytes"):
        read(bytes.fromhex("06 000000 0003e9 09 01000000"), ChunkReader(max_message=1000))


def test_unfinished_messages_together_are_bounded() -> None:
    writer = ChunkWriter()
    cut = [writer.write(number, Message(VIDEO, 1, 0, bytes(400)))[: 12 + 128] for number in (6, 7, 8)]
    with pytest.raises(ChunkError, match="unfinished"):
        read(b"".join(cut), ChunkReader(max_message=1000))
