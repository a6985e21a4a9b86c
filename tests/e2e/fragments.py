"""Reads CMAF by itself: ffmpeg shifts the timestamps of tracks with negative composition offsets, so it can't judge."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction

from tests.e2e.clip import Frame


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each box."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert size >= 8, "sizes of 0 and 1 have no place in CMAF chunks"
        yield kind, data[at + 8 : at + size]
        at += size


def find(data: bytes, *path: bytes) -> bytes:
    for kind in path:
        data = next(body for name, body in boxes(data) if name == kind)
    return data


def timescale(init: bytes) -> int:
    mdhd = find(init, b"moov", b"trak", b"mdia", b"mdhd")
    (scale,) = struct.unpack_from(">I", mdhd, 20 if mdhd[0] == 1 else 12)
    return int(scale)


def frames(init: bytes, media: bytes) -> list[Frame]:
    """Every sample of a run of CMAF chunks, in decoding order. Raises AssertionError where a chunk is odd."""
    scale = timescale(init)
    found: list[Frame] = []
    moof = b""
    for kind, body in boxes(media):
        if kind == b"moof":
            moof = body
        elif kind == b"mdat":
            found += _samples(moof, body, scale)
    return found


def _samples(moof: bytes, mdat: bytes, scale: int) -> Iterator[Frame]:
    tfhd, tfdt, trun = (find(moof, b"traf", kind) for kind in (b"tfhd", b"tfdt", b"trun"))
    (dts,) = struct.unpack_from(">Q" if tfdt[0] == 1 else ">I", tfdt, 4)
    sizes = iter(struct.unpack(f">{len(trun) // 4}i", trun))
    flags, count = next(sizes) & 0xFFFFFF, next(sizes)
    assert flags & 0x205 == 0x201, "a data offset, and the size of every sample"
    next(sizes)
    default = _default_duration(tfhd)
    at = 0
    for _ in range(count):
        duration = next(sizes) if flags & 0x100 else default
        size = next(sizes)
        if flags & 0x400:
            next(sizes)
        offset = next(sizes) if flags & 0x800 else 0
        yield Frame(
            Fraction(dts, scale), Fraction(dts + offset, scale), Fraction(duration, scale), mdat[at : at + size]
        )
        dts += duration
        at += size
    assert next(sizes, None) is None, "trun ends with its last sample"
    assert at == len(mdat), "mdat is its samples, and nothing else"


def _default_duration(tfhd: bytes) -> int:
    """ISO/IEC 14496-12 8.8.7: optional fields in this order, each with a flag."""
    flags = int.from_bytes(tfhd[1:4], "big")
    at = 8 + 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2)
    return int.from_bytes(tfhd[at : at + 4], "big") if flags & 0x8 else 0
