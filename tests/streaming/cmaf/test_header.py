from __future__ import annotations

import io
import struct

import av
import pytest

from streaming.cmaf import codecs
from streaming.cmaf.boxes import find
from streaming.cmaf.header import pack_header
from streaming.media import Codec
from tests.streaming.cmaf import configs

ENTRY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")


@pytest.mark.parametrize(
    ("codec", "config", "entry", "box"),
    [
        (Codec.H264, configs.H264_HIGH, b"avc1", b"avcC"),
        (Codec.HEVC, configs.HEVC_MAIN, b"hvc1", b"hvcC"),
        (Codec.AV1, configs.AV1_AOM, b"av01", b"av1C"),
    ],
)
def test_the_sample_entry_carries_the_configuration(codec: Codec, config: bytes, entry: bytes, box: bytes) -> None:
    stsd = find(pack_header(codecs.track(codec, config)), *ENTRY).body
    found = find(stsd[8:], entry).body
    assert bytes(find(found[78:], box).body) == config


@pytest.mark.parametrize(
    ("codec", "config", "name", "scale"),
    [
        (Codec.H264, configs.H264_HIGH, "h264", 90_000),
        (Codec.HEVC, configs.HEVC_MAIN, "hevc", 90_000),
        (Codec.AV1, configs.AV1_AOM, "av1", 90_000),
        (Codec.AAC, configs.AAC_48, "aac", 48_000),
        (Codec.AAC, configs.AAC_44, "aac", 44_100),
    ],
)
def test_another_reader_knows_the_track(codec: Codec, config: bytes, name: str, scale: int) -> None:
    track = codecs.track(codec, config)
    with av.open(io.BytesIO(pack_header(track)), format="mp4") as container:
        (stream,) = container.streams
        assert name in stream.codec_context.name or stream.codec_context.name == "libdav1d"
        assert stream.time_base is not None
        assert stream.time_base.denominator == scale
        assert bytes(stream.codec_context.extradata or b"") == config
        if isinstance(stream, av.VideoStream):
            assert (stream.width, stream.height) == (track.width, track.height)


def test_there_is_no_edit_list() -> None:
    """The brand cmf2 promises so (ISO/IEC 23000-19 7.7)."""
    header = pack_header(configs.VIDEO)
    assert b"cmf2" in bytes(find(header, b"ftyp").body)
    assert b"edts" not in header


def test_a_rate_beyond_16_bits_is_left_to_the_decoder_configuration() -> None:
    track = codecs.track(Codec.AAC, bytes.fromhex("1010"))
    assert track.sample_rate == 96_000
    entry = find(bytes(find(pack_header(track), *ENTRY).body[8:]), b"mp4a").body
    assert struct.unpack_from(">I", entry, 24) == (0,)
