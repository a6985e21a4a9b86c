"""CMAF chunks: one `moof` and its `mdat` (ISO/IEC 23000-19 7.3.2.3), from access units and back."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streaming.media import AccessUnit

from .boxes import find, unpack, unpack_full
from .errors import BoxError, PackagingError

MAX_SAMPLES = 4096
"""Access units a chunk may hold: ten times what 0.4 s at 1000 frames a second needs."""
MAX_BYTES = 64 * 1024 * 1024
"""Bytes of media a chunk may hold: two seconds at 256 Mbit/s."""

_TRACK_ID = 1
_SYNC = 0x02000000
_NON_SYNC = 0x01010000
"""Sample flags (ISO/IEC 14496-12 8.8.3.1): depends on no other; depends on others, and sample_is_non_sync_sample."""

_BASE_IS_MOOF, _DEFAULT_DURATION, _DEFAULT_SIZE, _DEFAULT_FLAGS = 0x20000, 0x8, 0x10, 0x20
_BASE_OFFSET, _DESCRIPTION_INDEX = 0x1, 0x2
"""tfhd flags, ISO/IEC 14496-12 8.8.7.1."""
_OFFSET, _FIRST_FLAGS, _DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800
"""trun flags, ISO/IEC 14496-12 8.8.8.1."""
_HEAD = struct.Struct(
    ">I4s"  # moof
    "I4sII"  # mfhd
    "I4s"  # traf
    "I4sIII"  # tfhd
    "I4sIQ"  # tfdt
    "I4sIIi"  # trun, up to its samples
)
_TFDT, _TRUN_FLAGS, _COUNT = 16, 19, 20
"""Where in `_HEAD` are the decode time, and `trun`'s flags and number of samples."""
_MDAT = struct.Struct(">I4s")


def pack_chunk(dts: int, units: Sequence[AccessUnit], durations: Sequence[int], *, timescale: int) -> bytes:
    """One chunk of consecutive access units.

    `dts` is where the first begins on the rendition's timeline, `durations` say how long each lasts, in ticks.
    A unit's own `pts` is kept: composition offsets are signed, and may be negative (trun version 1).
    Raises `PackagingError` past the bounds above and for times that a box can't hold.
    """
    count = len(units)
    size = sum(len(unit.data) for unit in units)
    if not 0 < count == len(durations) <= MAX_SAMPLES or size > MAX_BYTES or dts < 0:
        raise PackagingError(f"a chunk of {count} access units, {len(durations)} durations, {size} bytes at {dts}")
    entries: list[int] = []
    at = dts
    plain = True
    for unit, duration in zip(units, durations, strict=True):
        offset = unit.pts - at
        plain = plain and unit.sync and not offset
        entries += (duration, len(unit.data), _SYNC if unit.sync else _NON_SYNC, offset)
        at += duration
    if min(durations) < 0 or max(map(abs, entries)) > 0x7FFFFFFF:
        raise PackagingError(f"a duration or composition offset of more than 31 bits at {dts}")
    if plain:  # audio, and video that is all key frames: the default flags say it, 8 bytes a sample less
        entries = [entry for index in range(0, len(entries), 4) for entry in entries[index : index + 2]]
        samples = struct.pack(f">{2 * count}I", *entries)
    else:
        samples = struct.pack(">" + "IIIi" * count, *entries)
    trun_flags = _OFFSET | _DURATION | _SIZE | (0 if plain else _FLAGS | _COMPOSITION)
    trun = 20 + len(samples)
    traf = 8 + 20 + 20 + trun
    moof = 8 + 16 + traf
    # Numbers must rise from fragment to fragment (ISO/IEC 14496-12 8.8.5.3). Hundredths of a second of media do, and
    # ask for no memory that a restarted ingest or another worker would have to share.
    sequence = (dts * 100 // timescale + 1) & 0xFFFFFFFF
    head = _HEAD.pack(
        *(moof, b"moof"),
        *(16, b"mfhd", 0, sequence),
        *(traf, b"traf"),
        *(20, b"tfhd", _BASE_IS_MOOF | _DEFAULT_FLAGS, _TRACK_ID, _SYNC),
        *(20, b"tfdt", 1 << 24, dts),
        *(trun, b"trun", 1 << 24 | trun_flags, count, moof + _MDAT.size),
    )
    return b"".join((head, samples, _MDAT.pack(_MDAT.size + size, b"mdat"), *(unit.data for unit in units)))


def unpack_chunk(data: bytes | memoryview) -> list[tuple[AccessUnit, int]]:
    """Access units and their durations, of a chunk or of several in a row (a part, a segment).

    `dts` and `pts` are the rendition's own: with B-frames a `dts` can lie after its `pts`, as a segment's first
    picture has both at the segment's start. Raises `BoxError` for anything that `pack_chunk` couldn't have meant.
    """
    view = memoryview(data)
    found: list[tuple[AccessUnit, int]] = []
    boxes = list(unpack(view))
    for index, box in enumerate(boxes):
        if box.kind != b"moof":
            continue
        if index + 1 == len(boxes) or boxes[index + 1].kind != b"mdat":
            raise BoxError(b"moof", "no mdat after it")  # ISO/IEC 23000-19 7.3.2.3
        media = boxes[index + 1]
        end = media.offset + media.size
        found += _samples(box.body, view[box.offset : end], end - len(media.body) - box.offset)
    return found


@dataclass(frozen=True, slots=True)
class Run:
    """The samples of one chunk, told apart but not taken apart: `media` holds them one behind the other.

    `dts` is where the first begins, in ticks; a sample's presentation is its decode time plus its offset.
    """

    dts: int
    durations: Sequence[int]
    sizes: Sequence[int]
    offsets: Sequence[int]
    syncs: Sequence[bool]
    media: memoryview


def unpack_runs(data: bytes | memoryview) -> Iterator[Run]:
    """The chunks of a part, a segment or several, for whoever copies their media without looking into it.

    Reads what `pack_chunk` writes: one track, one `trun`, the samples from `mdat`'s beginning to its end. Raises
    `BoxError` for anything else.
    """
    view = memoryview(data)
    at = 0
    while at < len(view):
        if len(view) - at < _HEAD.size:
            raise BoxError(b"moof", "cut short")
        head = _HEAD.unpack_from(view, at)
        moof, kind, dts, flags, count = head[0], head[1], head[_TFDT], head[_TRUN_FLAGS], head[_COUNT]
        body = at + moof + _MDAT.size
        if kind != b"moof" or count > MAX_SAMPLES or body > len(view):
            raise BoxError(b"moof", "not one of ours, or cut short")
        size, kind = _MDAT.unpack_from(view, at + moof)
        plain = not flags & _COMPOSITION
        fields = 2 if plain else 4
        values = struct.unpack_from(">" + ("II" if plain else "IIIi") * count, view, at + _HEAD.size)
        durations, sizes = values[::fields], values[1::fields]
        media = view[body : at + moof + size]
        if kind != b"mdat" or sum(sizes) != len(media):
            raise BoxError(b"mdat", "not of its samples' size")
        offsets = (0,) * count if plain else values[3::fields]
        syncs = (True,) * count if plain else tuple(not flag & 0x10000 for flag in values[2::fields])
        yield Run(dts, durations, sizes, offsets, syncs, media)
        at += moof + size


def first_sample_end(data: bytes | memoryview) -> int:
    """How many bytes from the start of a chunk that `pack_chunk` wrote hold its first sample. `data` need not have all
    of them, but those in which the chunk says so. Raises `BoxError`."""
    return sum(_first_sample(data))


def first_sample(data: bytes | memoryview) -> bytes:
    """The first sample of a chunk that `pack_chunk` wrote. Raises `BoxError`."""
    start, size = _first_sample(data)
    if len(data) < start + size:
        raise BoxError(b"mdat", "cut short")
    return bytes(data[start : start + size])


def _first_sample(data: bytes | memoryview) -> tuple[int, int]:
    """Where the first sample begins, and its size."""
    if len(data) < _HEAD.size + 8:
        raise BoxError(b"moof", "cut short")
    head = _HEAD.unpack_from(data)
    if head[1] != b"moof" or not head[_COUNT]:
        raise BoxError(b"moof", "not one of ours")
    # Duration and size are what a sample's entry begins with, whatever else it has.
    return head[0] + _MDAT.size, struct.unpack_from(">I", data, _HEAD.size + 4)[0]


def _samples(moof: memoryview, chunk: memoryview, media: int) -> list[tuple[AccessUnit, int]]:
    """The samples of one `moof`; `media` is where `mdat`'s body begins in `chunk`, which begins with the `moof`."""
    traf = find(moof, b"traf").body
    defaults = _defaults(traf)
    at = _decode_time(traf)
    version, flags, body = unpack_full(find(traf, b"trun"))
    head = 4 + 4 * bool(flags & _OFFSET) + 4 * bool(flags & _FIRST_FLAGS)
    if len(body) < head:
        raise BoxError(b"trun", "cut short")
    (count,) = struct.unpack_from(">I", body)
    position = struct.unpack_from(">i", body, 4)[0] if flags & _OFFSET else media
    fields = [field for field in (_DURATION, _SIZE, _FLAGS, _COMPOSITION) if flags & field]
    if count > MAX_SAMPLES or len(body) != head + 4 * count * len(fields):
        raise BoxError(b"trun", f"{count} samples in {len(body)} bytes")
    layout = "".join("i" if field == _COMPOSITION and version else "I" for field in fields)
    values = iter(struct.unpack_from(">" + layout * count, body, head))
    first_flags = struct.unpack_from(">I", body, head - 4)[0] if flags & _FIRST_FLAGS else None
    found = []
    for index in range(count):
        sample = defaults | {field: next(values) for field in fields}
        if index == 0 and first_flags is not None:
            sample[_FLAGS] = first_flags
        end = position + sample[_SIZE]
        if position < media or end > len(chunk):
            raise BoxError(b"mdat", "too short for its samples")
        sync = not sample[_FLAGS] & 0x10000
        found.append((AccessUnit(at, at + sample[_COMPOSITION], bytes(chunk[position:end]), sync), sample[_DURATION]))
        position = end
        at += sample[_DURATION]
    return found


def _defaults(traf: memoryview) -> dict[int, int]:
    """Duration, size and flags of samples for which trun doesn't tell (tfhd, ISO/IEC 14496-12 8.8.7)."""
    _, flags, body = unpack_full(find(traf, b"tfhd"))
    if not flags & _BASE_IS_MOOF or flags & _BASE_OFFSET:  # ISO/IEC 23000-19 7.5.16: default-base-is-moof it is
        raise BoxError(b"tfhd", "offsets don't count from the moof")
    offset = 4 + 4 * bool(flags & _DESCRIPTION_INDEX)
    defaults = {_DURATION: 0, _SIZE: 0, _FLAGS: 0, _COMPOSITION: 0}
    for flag, field in ((_DEFAULT_DURATION, _DURATION), (_DEFAULT_SIZE, _SIZE), (_DEFAULT_FLAGS, _FLAGS)):
        if flags & flag:
            if len(body) < offset + 4:
                raise BoxError(b"tfhd", "cut short")
            (defaults[field],) = struct.unpack_from(">I", body, offset)
            offset += 4
    return defaults


def _decode_time(traf: memoryview) -> int:
    version, _, body = unpack_full(find(traf, b"tfdt"))
    if len(body) < (8 if version else 4):
        raise BoxError(b"tfdt", "cut short")
    (time,) = struct.unpack_from(">Q" if version else ">I", body)
    return int(time)
