from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv.errors import FlvError, FlvTagError, UnsupportedCodecError
from streaming.flv.video import VideoData, VideoKind, build_video, parse_video
from streaming.media import Codec

H264, HEVC, AV1 = Codec.H264, Codec.HEVC, Codec.AV1
CONFIG, FRAME, END = VideoKind.CONFIG, VideoKind.FRAME, VideoKind.END

GOLDEN = [
    ("17 00 000000 01", VideoData(CONFIG, H264, b"\x01")),
    ("17 01 000042 aa", VideoData(FRAME, H264, b"\xaa", keyframe=True, composition_ms=66)),
    ("27 01 ffffff aa", VideoData(FRAME, H264, b"\xaa", composition_ms=-1)),
    ("17 02 000000", VideoData(END, H264, b"")),
    ("90 68766331 01", VideoData(CONFIG, HEVC, b"\x01")),
    ("a1 68766331 000021 aa", VideoData(FRAME, HEVC, b"\xaa", composition_ms=33)),
    ("93 68766331 aa", VideoData(FRAME, HEVC, b"\xaa", keyframe=True)),
    ("90 61763031 81", VideoData(CONFIG, AV1, b"\x81")),
    ("91 61763031 aa", VideoData(FRAME, AV1, b"\xaa", keyframe=True)),
    ("92 61763031", VideoData(END, AV1, b"")),
]

READ_ONLY = [
    ("91 61766331 000021 aa", VideoData(FRAME, H264, b"\xaa", keyframe=True, composition_ms=33)),
    ("93 61763031 aa", VideoData(FRAME, AV1, b"\xaa", keyframe=True)),
    # a ModEx block with a nanosecond offset before coded frames
    ("97 02 000001 03 68766331 aa", VideoData(FRAME, HEVC, b"\xaa", keyframe=True)),
    # a ModEx block with a long size
    ("97 ff 0001 0000 03 68766331 aa", VideoData(FRAME, HEVC, b"\xaa", keyframe=True)),
    # multitrack: one track, id 0
    ("96 03 68766331 00 aa", VideoData(FRAME, HEVC, b"\xaa", keyframe=True)),
    # multitrack: tracks 1 and 0
    ("96 13 68766331 01 000001 bb 00 000001 aa", VideoData(FRAME, HEVC, b"\xaa", keyframe=True)),
    # multitrack: tracks 1 and 0 in two codecs
    ("96 23 68766331 01 000001 bb 61766331 00 000001 aa", VideoData(FRAME, H264, b"\xaa", keyframe=True)),
]

IGNORED = ["57 00", "d0 00", "94 68766331 02 0000", "96 03 68766331 01 aa"]

BROKEN = [
    "",
    "17",
    "17 01 0000",
    "17 03 000000",
    "90 6876",
    "91 68766331 0000",
    "96",
    "96 33 68766331",
    "97",
    "97 05 00",
]


@pytest.mark.parametrize(("golden", "data"), GOLDEN)
def test_golden_bytes_both_ways(golden: str, data: VideoData) -> None:
    assert parse_video(bytes.fromhex(golden)) == data
    assert build_video(data) == bytes.fromhex(golden)


@pytest.mark.parametrize(("golden", "data"), READ_ONLY)
def test_other_forms_are_read(golden: str, data: VideoData) -> None:
    assert parse_video(bytes.fromhex(golden)) == data


@pytest.mark.parametrize("golden", IGNORED)
def test_bodies_without_a_picture_of_the_default_track_are_ignored(golden: str) -> None:
    assert parse_video(bytes.fromhex(golden)) is None


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_bodies_are_refused(broken: str) -> None:
    with pytest.raises(FlvTagError):
        parse_video(bytes.fromhex(broken))


@pytest.mark.parametrize(("body", "name"), [("22 00", "Sorenson"), ("90 76703039 00", "vp09"), ("2f 00", "codec 15")])
def test_other_codecs_are_named(body: str, name: str) -> None:
    with pytest.raises(UnsupportedCodecError, match=name):
        parse_video(bytes.fromhex(body))


@given(st.binary(max_size=64))
def test_any_bytes_give_a_body_or_an_flv_error(body: bytes) -> None:
    with contextlib.suppress(FlvError):
        parse_video(body)
