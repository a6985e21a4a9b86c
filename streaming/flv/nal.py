"""NAL units with length fields, as avcC and hvcC media carries them (ISO/IEC 14496-15)."""

from __future__ import annotations

from collections.abc import Iterator

from streaming.flv.errors import FlvTagError
from streaming.media import Codec

H264_IDR = 5
HEVC_IDR = frozenset({19, 20})
"""IDR_W_RADL and IDR_N_LP (ITU-T H.265 table 7-1). Not CRA (21): its leading pictures may need what came before."""


def length_size(codec: Codec, config: bytes) -> int:
    """Bytes of the length field, by the `lengthSizeMinusOne` of an avcC or hvcC body."""
    at = 4 if codec is Codec.H264 else 21
    if len(config) <= at + 1:
        raise FlvTagError("the decoder configuration record is cut off")
    size = (config[at] & 0x03) + 1
    if size == 3:
        raise FlvTagError("a NAL length field of 3 bytes does not exist")
    return size


def with_long_lengths(codec: Codec, config: bytes) -> bytes:
    """The same configuration record, saying that length fields have 4 bytes."""
    at = 4 if codec is Codec.H264 else 21
    return config[:at] + bytes((config[at] | 0x03,)) + config[at + 1 :]


def units(data: bytes, size: int = 4) -> Iterator[tuple[int, int]]:
    """Start and end of each NAL unit in an access unit whose length fields have `size` bytes. Raises FlvTagError."""
    at, total = 0, len(data)
    while at < total:
        start = at + size
        at = start + int.from_bytes(data[at:start], "big")
        if start >= total or at > total:
            raise FlvTagError("a NAL unit runs past its access unit")
        if at > start:
            yield start, at


def lengthened(data: bytes, size: int) -> bytes:
    """The access unit with length fields of 4 bytes instead of `size`."""
    return b"".join((end - start).to_bytes(4, "big") + data[start:end] for start, end in units(data, size))


def is_idr(codec: Codec, data: bytes) -> bool:
    """Whether an access unit with 4-byte lengths is an IDR picture. Walks all of it, so that none is let in broken."""
    found = False
    for start, _ in units(data):
        if codec is Codec.H264:
            found |= data[start] & 0x1F == H264_IDR
        else:
            found |= (data[start] >> 1) & 0x3F in HEVC_IDR
    return found
