"""The CMAF header, HLS's media initialization section: `ftyp` and `moov` of one track (ISO/IEC 23000-19 7.3.1)."""

from __future__ import annotations

import struct

from streaming.media import Codec, Track

from .boxes import pack, pack_full

_TRACK_ID = 1
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""Unity (ISO/IEC 14496-12 8.2.2.2)."""
_UNDETERMINED = 0x55C4
"""Language `und`, three letters of five bits (ISO/IEC 14496-12 8.4.2.2)."""
_IN_FILE = 1
"""`url ` flag: the media is in this file (ISO/IEC 14496-12 8.7.2.2)."""
_DPI = 0x480000
_SAMPLE_ENTRIES = {Codec.H264: (b"avc1", b"avcC"), Codec.HEVC: (b"hvc1", b"hvcC"), Codec.AV1: (b"av01", b"av1C")}
"""`avc1` and `hvc1`, not `avc3` and `hev1`: parameter sets are in the header, and Apple players want it so."""


def pack_header(track: Track) -> bytes:
    """The header of a track: without edit list or sample tables, since all samples are in chunks."""
    # cmf2: no edit list, signed composition offsets in trun version 1 (ISO/IEC 23000-19 7.7).
    ftyp = pack(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6", b"cmfc", b"cmf2", b"mp41")
    mvhd = pack_full(
        b"mvhd",
        0,
        0,
        struct.pack(">4I", 0, 0, track.timescale, 0),
        struct.pack(">IHH8x", 0x10000, 0x100, 0),
        _MATRIX,
        struct.pack(">24xI", _TRACK_ID + 1),
    )
    trex = pack_full(b"trex", 0, 0, struct.pack(">5I", _TRACK_ID, 1, 0, 0, 0))
    return ftyp + pack(b"moov", mvhd, _trak(track), pack(b"mvex", trex))


def _trak(track: Track) -> bytes:
    video = track.codec.is_video
    tkhd = pack_full(
        b"tkhd",
        0,
        3,  # enabled, in movie
        struct.pack(">4I", 0, 0, _TRACK_ID, 0),
        struct.pack(">I8xHHHxx", 0, 0, 0, 0 if video else 0x100),
        _MATRIX,
        struct.pack(">II", track.width << 16, track.height << 16),
    )
    mdhd = pack_full(b"mdhd", 0, 0, struct.pack(">4IHxx", 0, 0, track.timescale, 0, _UNDETERMINED))
    hdlr = pack_full(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"vide" if video else b"soun"), b"Headrace\0")
    media_header = pack_full(b"vmhd", 0, 1, bytes(8)) if video else pack_full(b"smhd", 0, 0, bytes(4))
    dref = pack_full(b"dref", 0, 0, struct.pack(">I", 1), pack_full(b"url ", 0, _IN_FILE))
    entry = _visual_entry(track) if video else _audio_entry(track)
    stbl = pack(
        b"stbl",
        pack_full(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        # Required, and empty: the samples are in movie fragments (ISO/IEC 23000-19 7.5.9-7.5.12).
        pack_full(b"stts", 0, 0, bytes(4)),
        pack_full(b"stsc", 0, 0, bytes(4)),
        pack_full(b"stsz", 0, 0, bytes(8)),
        pack_full(b"stco", 0, 0, bytes(4)),
    )
    return pack(b"trak", tkhd, pack(b"mdia", mdhd, hdlr, pack(b"minf", media_header, pack(b"dinf", dref), stbl)))


def _visual_entry(track: Track) -> bytes:
    """VisualSampleEntry (ISO/IEC 14496-12 12.1.3.2) with the codec's configuration box."""
    kind, configuration = _SAMPLE_ENTRIES[track.codec]
    return pack(
        kind,
        struct.pack(">6xH16x", 1),
        struct.pack(">HHIIIH", track.width, track.height, _DPI, _DPI, 0, 1),
        struct.pack(">32xHh", 24, -1),
        pack(configuration, track.config),
    )


def _audio_entry(track: Track) -> bytes:
    """AudioSampleEntry (ISO/IEC 14496-12 12.2.3.2) with the elementary stream descriptor (ISO/IEC 14496-14 6.7)."""
    # The 16.16 field can't hold rates from 65,536 Hz on; players take the rate from the AudioSpecificConfig.
    rate = track.sample_rate if track.sample_rate < 0x10000 else 0
    return pack(
        b"mp4a",
        struct.pack(">6xH8x", 1),
        struct.pack(">HHHHI", track.channels, 16, 0, 0, rate << 16),
        pack_full(b"esds", 0, 0, _stream_descriptor(track.config)),
    )


def _stream_descriptor(config: bytes) -> bytes:
    """ES_Descriptor of ISO/IEC 14496-1 7.2.6.5 around the decoder's configuration."""
    # objectTypeIndication 0x40 is MPEG-4 audio; stream type 5 audio, with the reserved bit set (7.2.6.6).
    decoder = _descriptor(4, struct.pack(">BB3xII", 0x40, 5 << 2 | 1, 0, 0) + _descriptor(5, config))
    # Sync layer configuration 2: predefined for MP4 files (7.3.2.3).
    return _descriptor(3, struct.pack(">HB", 0, 0) + decoder + _descriptor(6, b"\x02"))


def _descriptor(tag: int, body: bytes) -> bytes:
    """Tag and size, seven bits a byte (ISO/IEC 14496-1 8.3.3)."""
    size = len(body)
    return bytes((tag, 0x80 | size >> 21 & 0x7F, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F)) + body
