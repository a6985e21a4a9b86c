from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv.aac import AudioSpecificConfig, parse_audio_specific_config
from streaming.flv.errors import FlvError, FlvTagError, UnsupportedCodecError

GOLDEN = [
    ("1190", AudioSpecificConfig(2, 48000, 48000, 2, 1024)),
    ("1210", AudioSpecificConfig(2, 44100, 44100, 2, 1024)),
    ("1208", AudioSpecificConfig(2, 44100, 44100, 1, 1024)),
    ("1194", AudioSpecificConfig(2, 48000, 48000, 2, 960)),
    # HE-AAC, signalled explicitly: core at 24 kHz, output at 48 kHz
    ("2b118800", AudioSpecificConfig(5, 24000, 48000, 2, 1024)),
    # HE-AAC v2: a mono core gives stereo
    ("eb098800", AudioSpecificConfig(29, 24000, 48000, 2, 1024)),
    # a rate that is not in the table: 40 kHz
    ("1780 4e20 10", AudioSpecificConfig(2, 40000, 40000, 2, 1024)),
]


@pytest.mark.parametrize(("config", "expected"), GOLDEN)
def test_golden_configurations(config: str, expected: AudioSpecificConfig) -> None:
    assert parse_audio_specific_config(bytes.fromhex(config)) == expected


@pytest.mark.parametrize("config", ["", "11", "16c8", "178000000810"])
def test_broken_configurations_are_refused(config: str) -> None:
    with pytest.raises(FlvTagError):
        parse_audio_specific_config(bytes.fromhex(config))


@pytest.mark.parametrize("config", ["f8e85000", "1180"])
def test_other_object_types_and_channel_elements_are_unsupported(config: str) -> None:
    with pytest.raises(UnsupportedCodecError):
        parse_audio_specific_config(bytes.fromhex(config))


@given(st.binary(max_size=16))
def test_any_bytes_give_a_configuration_or_an_flv_error(config: bytes) -> None:
    with contextlib.suppress(FlvError):
        parse_audio_specific_config(config)
