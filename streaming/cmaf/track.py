"""A track from its CMAF header: what `header.pack_header` packed, read back (video only)."""

from __future__ import annotations

from streaming.media import Codec, Track

from . import codecs
from .boxes import find, unpack
from .errors import BoxError

_CONFIGURATIONS = {b"avc1": (b"avcC", Codec.H264), b"hvc1": (b"hvcC", Codec.HEVC), b"av01": (b"av1C", Codec.AV1)}
_VISUAL_SAMPLE_ENTRY = 78
"""Bytes before the boxes in a VisualSampleEntry (ISO/IEC 14496-12 12.1.3.2)."""


def read_video_track(header: bytes) -> Track:
    """The video track that a CMAF header announces. Raises `BoxError`, `CodecError`."""
    stsd = find(header, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd").body
    for entry in unpack(stsd[8:]):  # FullBox header and entry_count
        if entry.kind in _CONFIGURATIONS:
            box, codec = _CONFIGURATIONS[entry.kind]
            return codecs.track(codec, bytes(find(entry.body[_VISUAL_SAMPLE_ENTRY:], box).body))
    raise BoxError(b"stsd", "no video in it")
