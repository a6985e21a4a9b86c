"""Boxes of the ISO base media file format (ISO/IEC 14496-12 clause 4.2): size, four-character code, body."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from .errors import BoxError

MAX_DEPTH = 8
"""`moov/trak/mdia/minf/stbl/stsd` is the deepest path there is here."""


class Box(NamedTuple):
    """A box as it lies in a buffer: `offset` is where its header begins, `body` what follows the header."""

    kind: bytes
    body: memoryview
    offset: int
    size: int


def pack(kind: bytes, *payload: bytes) -> bytes:
    """One box around the given payload, children included, with a 32-bit size."""
    return b"".join((struct.pack(">I4s", 8 + sum(map(len, payload)), kind), *payload))


def pack_full(kind: bytes, version: int, flags: int, *payload: bytes) -> bytes:
    """A FullBox (ISO/IEC 14496-12 4.2): 8 bits of version and 24 of flags before the payload."""
    return pack(kind, struct.pack(">I", version << 24 | flags), *payload)


def unpack(data: bytes | memoryview) -> Iterator[Box]:
    """The boxes that lie one after the other in `data`, which they must fill.

    Raises `BoxError` if the last one is cut short.
    """
    view = memoryview(data)
    offset = 0
    while offset < len(view):
        if len(view) - offset < 8:
            raise BoxError(b"", f"{len(view) - offset} bytes are too few for a header")
        size, kind = struct.unpack_from(">I4s", view, offset)
        header = 8
        if size == 1:  # ISO/IEC 14496-12 4.2: 1 means a 64-bit largesize follows
            if len(view) - offset < 16:
                raise BoxError(kind, "cut short inside its 64-bit size")
            (size,) = struct.unpack_from(">Q", view, offset + 8)
            header = 16
        elif size == 0:  # 0 means up to the end of the file
            size = len(view) - offset
        if size < header or size > len(view) - offset:
            raise BoxError(kind, f"says {size} bytes where {len(view) - offset} are left")
        yield Box(kind, view[offset + header : offset + size], offset, size)
        offset += size


def find(data: bytes | memoryview, *path: bytes) -> Box:
    """The first box at a path of kinds, as `find(data, b"moof", b"traf", b"tfdt")`.

    Raises `BoxError` if it is not there.
    """
    if not 0 < len(path) <= MAX_DEPTH:
        raise BoxError(b"", f"a path of {len(path)} boxes")
    box: Box | None = None
    for kind in path:
        box = next((child for child in unpack(data) if child.kind == kind), None)
        if box is None:
            raise BoxError(kind, "missing")
        data = box.body
    assert box is not None
    return box


def unpack_full(box: Box) -> tuple[int, int, memoryview]:
    """Version, flags and the rest of a FullBox."""
    if len(box.body) < 4:
        raise BoxError(box.kind, "cut short inside its version and flags")
    (word,) = struct.unpack_from(">I", box.body)
    return word >> 24, word & 0xFFFFFF, box.body[4:]
