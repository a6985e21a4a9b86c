"""AV1 open bitstream units in the low-overhead format (AV1 Bitstream & Decoding Process Specification, 5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from streaming.flv.errors import FlvTagError

TEMPORAL_DELIMITER = 2
FRAME_HEADER = 3
FRAME = 6
KEY_FRAME = 0
MAX_LEB128 = 8


def units(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Each OBU of a temporal unit: type, where its header starts, where its payload starts, where it ends."""
    at, total = 0, len(data)
    while at < total:
        start, head = at, data[at]
        if head & 0x80:
            raise FlvTagError("an OBU's forbidden bit is set")
        at += 2 if head & 0x04 else 1
        if head & 0x02:
            size, at = _leb128(data, at)
        else:
            size = total - at
        if size < 0 or at + size > total:
            raise FlvTagError("an OBU runs past its temporal unit")
        yield (head >> 3) & 0x0F, start, at, at + size
        at += size


def without_delimiters(data: bytes) -> bytes:
    """The temporal unit without its temporal delimiters (AV1-ISOBMFF 2.4: they should not be in a sample)."""
    if not data or (data[0] >> 3) & 0x0F != TEMPORAL_DELIMITER:
        return data
    return b"".join(data[start:end] for kind, start, _, end in units(data) if kind != TEMPORAL_DELIMITER)


def is_key(data: bytes) -> bool:
    """Whether a temporal unit begins with a shown key frame. Walks all of it, so that none is let in broken."""
    found: bool | None = None
    for kind, _, at, end in units(data):
        if kind in (FRAME_HEADER, FRAME) and found is None:
            if at >= end:
                raise FlvTagError("an AV1 frame header is empty")
            # 5.9.2: show_existing_frame f(1), frame_type f(2), show_frame f(1)
            head = data[at]
            found = not head & 0x80 and (head >> 5) & 0x03 == KEY_FRAME and bool(head & 0x10)
    return bool(found)


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(MAX_LEB128):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * shift)
        if not byte & 0x80:
            return value, at
    raise FlvTagError("an OBU size is cut off")
