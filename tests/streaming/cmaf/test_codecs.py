from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.cmaf import avc, codecs, hevc
from streaming.cmaf.errors import CodecError
from streaming.media import Codec
from tests.streaming.cmaf import bits, configs

VIDEO = [
    (Codec.H264, configs.H264_BASELINE, "avc1.42c00b", 192, 108, 30_000),
    (Codec.H264, configs.H264_MAIN, "avc1.4d400b", 192, 108, 30_000),
    (Codec.H264, configs.H264_HIGH, "avc1.64001f", 1280, 720, 30_000),
    (Codec.H264, configs.H264_444_INTERLACED, "avc1.f40020", 1280, 720, 25_000),
    (Codec.H264, configs.H264_422, "avc1.7a000b", 190, 106, 25_000),
    (Codec.H264, configs.H264_1080, "avc1.42c028", 1920, 1080, 30_000),
    (Codec.HEVC, configs.HEVC_MAIN, "hvc1.1.6.L63.90", 640, 362, 29_970),
    (Codec.AV1, configs.AV1_AOM, "av01.0.01M.08", 640, 362, 0),
    (Codec.AV1, configs.AV1_SVT, "av01.0.01M.08", 640, 362, 0),
]
ALL = [(codec, config) for codec, config, *_ in VIDEO] + [
    (Codec.AAC, configs.AAC_48),
    (Codec.AAC, configs.AAC_44),
    (Codec.AAC, configs.HE_AAC),
]


@pytest.mark.parametrize(("codec", "config", "name", "width", "height", "frame_rate"), VIDEO)
def test_video_formats(codec: Codec, config: bytes, name: str, width: int, height: int, frame_rate: int) -> None:
    told = codecs.parse(codec, config)
    assert (told.codecs, told.width, told.height, told.frame_rate) == (name, width, height, frame_rate)


@pytest.mark.parametrize(
    ("config", "name", "rate", "channels"),
    [
        (configs.AAC_48, "mp4a.40.2", 48_000, 1),
        (configs.AAC_44, "mp4a.40.2", 44_100, 2),
        (configs.HE_AAC, "mp4a.40.5", 22_050, 1),
    ],
)
def test_audio_formats(config: bytes, name: str, rate: int, channels: int) -> None:
    told = codecs.parse(Codec.AAC, config)
    assert (told.codecs, told.sample_rate, told.channels, told.frame_samples) == (name, rate, channels, 1024)


def test_a_track_has_its_codecs_timescale() -> None:
    assert codecs.track(Codec.H264, configs.H264_HIGH).timescale == 90_000
    assert codecs.track(Codec.AAC, configs.AAC_44).timescale == 44_100


def test_nal_lengths_of_two_bytes_are_refused() -> None:
    config = bytearray(configs.H264_BASELINE)
    config[4] = 0xFD
    with pytest.raises(CodecError, match="NAL lengths of 2 bytes"):
        codecs.parse(Codec.H264, bytes(config))


def test_a_damaged_vui_costs_only_the_frame_rate() -> None:
    sps = configs.H264_BASELINE[8 : 8 + 0x17]
    assert avc.parse_sps(sps) == (192, 108, 30_000)
    assert avc.parse_sps(sps[:14]) == (192, 108, 0)


def test_reference_sets_that_are_predicted_from_others() -> None:
    """ITU-T H.265 7.3.7: what lies behind them is found only if their pictures are counted."""
    assert hevc.parse_sps(bits.sps_with_predicted_sets(predicted=0)) == (640, 360, 25_000)
    assert hevc.parse_sps(bits.sps_with_predicted_sets(predicted=1)) == (640, 360, 25_000)
    assert hevc.parse_sps(bits.sps_with_predicted_sets(predicted=3)) == (640, 360, 25_000)


@pytest.mark.parametrize(("codec", "config"), ALL)
def test_a_configuration_cut_short_is_a_clean_error(codec: Codec, config: bytes) -> None:
    for length in range(len(config)):
        with contextlib.suppress(CodecError):
            codecs.parse(codec, config[:length])


@given(st.sampled_from(ALL), st.data())
def test_a_damaged_configuration_is_a_format_or_a_clean_error(known: tuple[Codec, bytes], data: st.DataObject) -> None:
    codec, config = known
    damaged = bytearray(config)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(config) - 1))] = data.draw(st.integers(0, 255))
    try:
        told = codecs.parse(codec, bytes(damaged))
    except CodecError:
        return
    assert told.codecs


@given(st.sampled_from(list(Codec)), st.binary(max_size=80))
def test_any_bytes_are_a_format_or_a_clean_error(codec: Codec, config: bytes) -> None:
    try:
        codecs.parse(codec, config)
    except CodecError:
        return
