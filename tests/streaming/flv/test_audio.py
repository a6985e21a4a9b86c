from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv.audio import AudioData, AudioKind, build_audio, parse_audio
from streaming.flv.errors import FlvError, FlvTagError, UnsupportedCodecError

GOLDEN = [
    ("af 00 1190", AudioData(AudioKind.CONFIG, b"\x11\x90")),
    ("af 01 2110", AudioData(AudioKind.FRAME, b"\x21\x10")),
    ("92 6d703461", AudioData(AudioKind.END, b"")),
]

READ_ONLY = [
    ("90 6d703461 1190", AudioData(AudioKind.CONFIG, b"\x11\x90")),
    ("91 6d703461 2110", AudioData(AudioKind.FRAME, b"\x21\x10")),
    ("95 01 6d703461 00 2110", AudioData(AudioKind.FRAME, b"\x21\x10")),
    ("97 02 000001 01 6d703461 2110", AudioData(AudioKind.FRAME, b"\x21\x10")),
]


@pytest.mark.parametrize(("golden", "data"), GOLDEN)
def test_golden_bytes_both_ways(golden: str, data: AudioData) -> None:
    assert parse_audio(bytes.fromhex(golden)) == data
    assert build_audio(data) == bytes.fromhex(golden)


@pytest.mark.parametrize(("golden", "data"), READ_ONLY)
def test_other_forms_are_read(golden: str, data: AudioData) -> None:
    assert parse_audio(bytes.fromhex(golden)) == data


@pytest.mark.parametrize("golden", ["94 6d703461 01 02", "95 01 6d703461 01 2110"])
def test_bodies_without_sound_of_the_default_track_are_ignored(golden: str) -> None:
    assert parse_audio(bytes.fromhex(golden)) is None


@pytest.mark.parametrize("broken", ["", "af", "af 02", "90 6d70", "95", "9f 6d703461"])
def test_broken_bodies_are_refused(broken: str) -> None:
    with pytest.raises(FlvTagError):
        parse_audio(bytes.fromhex(broken))


@pytest.mark.parametrize(
    ("body", "name"), [("2f ff", "MP3 audio"), ("90 4f707573 00", "Opus audio"), ("f0 00", "format 15")]
)
def test_other_codecs_are_named(body: str, name: str) -> None:
    with pytest.raises(UnsupportedCodecError, match=name):
        parse_audio(bytes.fromhex(body))


@given(st.binary(max_size=64))
def test_any_bytes_give_a_body_or_an_flv_error(body: bytes) -> None:
    with contextlib.suppress(FlvError):
        parse_audio(body)
