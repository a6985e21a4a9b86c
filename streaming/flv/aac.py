"""AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): as much of it as packaging needs."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.flv.errors import FlvTagError, UnsupportedCodecError

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}
SBR = 5
PS = 29
GENERAL_AUDIO = frozenset({1, 2, 3, 4})
"""AAC Main, LC, SSR and LTP."""


@dataclass(frozen=True, slots=True)
class AudioSpecificConfig:
    """`core_rate` counts the coded frame's samples; `sample_rate` is what a decoder puts out (twice that with SBR)."""

    object_type: int
    core_rate: int
    sample_rate: int
    channels: int
    frame_samples: int


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise FlvTagError("the AudioSpecificConfig is cut off")
        return (self._value >> self._left) & ((1 << count) - 1)


def parse_audio_specific_config(config: bytes) -> AudioSpecificConfig:
    """Read the start of an AudioSpecificConfig. Raises FlvTagError, UnsupportedCodecError."""
    bits = _Bits(config[:64])
    object_type = _object_type(bits)
    core_rate = sample_rate = _rate(bits)
    channel_configuration = bits.take(4)
    signalled = object_type
    if object_type in (SBR, PS):
        sample_rate = _rate(bits)
        object_type = _object_type(bits)
    if object_type not in GENERAL_AUDIO:
        raise UnsupportedCodecError(f"MPEG-4 audio object type {object_type}")
    channels = CHANNELS.get(channel_configuration)
    if channels is None:
        raise UnsupportedCodecError(f"AAC channel configuration {channel_configuration}")
    if signalled == PS:
        channels = 2
    frame_samples = 960 if bits.take(1) else 1024
    return AudioSpecificConfig(signalled, core_rate, sample_rate, channels, frame_samples)


def _object_type(bits: _Bits) -> int:
    value = bits.take(5)
    return 32 + bits.take(6) if value == 31 else value


def _rate(bits: _Bits) -> int:
    index = bits.take(4)
    if index == 15:
        rate = bits.take(24)
        if not RATES[-1] <= rate <= RATES[0]:
            raise FlvTagError(f"an AAC sampling rate of {rate} Hz")
        return rate
    if index >= len(RATES):
        raise FlvTagError(f"AAC sampling rate index {index} is reserved")
    return RATES[index]
