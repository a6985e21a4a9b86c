"""FLV files, incrementally: ffmpeg's output pipes are read with `Demuxer`, its input pipes are written with `pack`."""

from __future__ import annotations

from collections.abc import Iterator

from streaming.flv.errors import FlvFileError
from streaming.flv.tag import Tag, TagType

SIGNATURE = b"FLV\x01"
FILE_HEADER_SIZE = 9
TAG_HEADER_SIZE = 11
PREVIOUS_TAG_SIZE = 4
MAX_HEADER_SIZE = 1024
FILTERED = 0x20


class Demuxer:
    """Bytes in, whole tags out. Holds at most one tag (16 MiB, what UI24 can say) and what one `feed` brought."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = -1
        """Bytes still to skip before the first tag; -1 until the file header was read."""

    def feed(self, data: bytes | memoryview) -> Iterator[Tag]:
        """Take the next bytes of the file and yield the tags they complete; unknown tag types are left out.

        Consume the iterator before the next call. Raises FlvFileError.
        """
        self._buffer += data
        at = self._file_header()
        try:
            while at >= 0 and len(self._buffer) - at >= TAG_HEADER_SIZE:
                size = int.from_bytes(self._buffer[at + 1 : at + 4], "big")
                end = at + TAG_HEADER_SIZE + size
                if len(self._buffer) < end + PREVIOUS_TAG_SIZE:
                    break
                tag = self._tag(at, end)
                at = end + PREVIOUS_TAG_SIZE
                if tag is not None:
                    yield tag
        finally:
            if at > 0:
                del self._buffer[:at]

    def _file_header(self) -> int:
        """Where the next tag starts in the buffer; -1 while the file header is incomplete."""
        if self._skip < 0:
            if not SIGNATURE.startswith(self._buffer[:4]):
                raise FlvFileError("not an FLV file: the signature is missing")
            if len(self._buffer) < FILE_HEADER_SIZE:
                return -1
            header = int.from_bytes(self._buffer[5:9], "big")
            if not FILE_HEADER_SIZE <= header <= MAX_HEADER_SIZE:
                raise FlvFileError(f"an FLV file header of {header} bytes")
            self._skip = header + PREVIOUS_TAG_SIZE
        if self._skip > len(self._buffer):
            return -1
        at, self._skip = self._skip, 0
        return at

    def _tag(self, at: int, end: int) -> Tag | None:
        head = self._buffer[at : at + TAG_HEADER_SIZE]
        if head[0] & FILTERED:
            raise FlvFileError("an encrypted FLV tag")
        previous = int.from_bytes(self._buffer[end : end + PREVIOUS_TAG_SIZE], "big")
        if previous != end - at:
            raise FlvFileError(f"a tag of {end - at} bytes is followed by a back pointer of {previous}")
        # FLV E.4.1: TimestampExtended is the upper byte of an SI32
        timestamp = int.from_bytes(bytes((head[7],)) + head[4:7], "big", signed=True)
        try:
            kind = TagType(head[0] & 0x1F)
        except ValueError:
            return None
        return Tag(kind, timestamp, bytes(memoryview(self._buffer)[at + TAG_HEADER_SIZE : end]))


def file_header(*, video: bool, audio: bool) -> bytes:
    """FLV E.2, with the empty PreviousTagSize0 behind it."""
    flags = (0x04 if audio else 0) | (0x01 if video else 0)
    return SIGNATURE + bytes((flags,)) + FILE_HEADER_SIZE.to_bytes(4, "big") + bytes(PREVIOUS_TAG_SIZE)


def pack(tag: Tag) -> bytes:
    """A tag and the back pointer behind it. `tag.timestamp` may be any SI32."""
    size = len(tag.body)
    stamp = (tag.timestamp & 0xFFFFFFFF).to_bytes(4, "big")
    head = bytes((tag.type,)) + size.to_bytes(3, "big") + stamp[1:] + stamp[:1] + bytes(3)
    return head + tag.body + (TAG_HEADER_SIZE + size).to_bytes(4, "big")
