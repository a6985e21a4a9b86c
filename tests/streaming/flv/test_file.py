from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv.errors import FlvFileError
from streaming.flv.file import Demuxer, file_header, pack
from streaming.flv.tag import Tag, TagType

from .clips import clip

TAGS = [Tag(TagType.SCRIPT, 0, b"meta"), Tag(TagType.VIDEO, 40, b"\x17" * 300), Tag(TagType.AUDIO, 41, b"")]


def demux(data: bytes, step: int | None = None) -> list[Tag]:
    demuxer = Demuxer()
    step = step or max(len(data), 1)
    return [tag for at in range(0, len(data), step) for tag in demuxer.feed(data[at : at + step])]


def test_packed_tags_come_out_again() -> None:
    data = file_header(video=True, audio=True) + b"".join(map(pack, TAGS))
    assert demux(data) == TAGS


def test_the_size_of_reads_does_not_matter() -> None:
    data = clip("h264")
    whole = demux(data)
    assert len(whole) > 70
    for step in (1, 10, 11, 12, 4096):
        assert demux(data, step) == whole


def test_ffmpegs_file_is_rebuilt_byte_for_byte() -> None:
    data = clip("h264")
    assert data == file_header(video=True, audio=True) + b"".join(map(pack, demux(data)))


@pytest.mark.parametrize("timestamp", [0, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, -1, -40])
def test_timestamps_are_32_bits_signed(timestamp: int) -> None:
    data = file_header(video=True, audio=False) + pack(Tag(TagType.VIDEO, timestamp, b"x"))
    assert demux(data)[0].timestamp == timestamp


def test_a_tag_cut_off_anywhere_waits_for_the_rest() -> None:
    data = file_header(video=True, audio=True) + pack(TAGS[1])
    for end in range(len(data)):
        assert demux(data[:end]) == []


def test_another_signature_is_refused_at_its_first_byte() -> None:
    with pytest.raises(FlvFileError, match="signature"):
        demux(b"RIFF")
    with pytest.raises(FlvFileError, match="signature"):
        demux(b"G")


def test_a_wrong_back_pointer_is_refused() -> None:
    data = bytearray(file_header(video=True, audio=True) + pack(TAGS[1]))
    data[-1] ^= 1
    with pytest.raises(FlvFileError, match="back pointer"):
        demux(bytes(data))


def test_unknown_tag_types_are_left_out() -> None:
    odd = bytearray(pack(TAGS[0]))
    odd[0] = 15
    assert demux(file_header(video=True, audio=True) + bytes(odd) + pack(TAGS[1])) == [TAGS[1]]


def test_an_iterator_left_early_keeps_the_next_tags() -> None:
    demuxer = Demuxer()
    first = demuxer.feed(file_header(video=True, audio=True) + b"".join(map(pack, TAGS)))
    assert next(first) == TAGS[0]
    first.close()  # type: ignore[attr-defined]
    assert list(demuxer.feed(b"")) == TAGS[1:]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_give_tags_or_a_file_error(data: bytes, step: int) -> None:
    with contextlib.suppress(FlvFileError):
        demux(file_header(video=True, audio=True) + data, step)
