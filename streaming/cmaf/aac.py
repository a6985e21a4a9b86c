"""AAC: the AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1)."""

from __future__ import annotations

from .bits import BitReader
from .errors import CodecError
from .format import Format

_CODEC = "AAC"
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
"""samplingFrequencyIndex, ISO/IEC 14496-3 table 1.18."""
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
"""channelConfiguration, ISO/IEC 14496-3 table 1.19; 0 means that a program config element tells."""
_SBR, _PS = 5, 29
_CORES = frozenset({1, 2, 3, 4})
"""Object types of general audio coding with frames of 1024 or 960 samples: Main, LC, SSR, LTP."""


def parse(config: bytes) -> Format:
    """What an AudioSpecificConfig says; sampling rate and frame length are the core coder's, which count the frames.

    Raises `CodecError` if it is cut short or not of AAC's general audio object types.
    """
    reader = BitReader(_CODEC, config)
    kind = core = _object_type(reader)
    rate = _rate(reader)
    channels = reader.bits(4)
    if kind in (_SBR, _PS):  # explicit signalling: the core's object type comes after the extension's rate
        _rate(reader)
        core = _object_type(reader)
    if core not in _CORES:
        raise CodecError(_CODEC, f"audio object type {core}")
    if channels >= len(_CHANNELS):
        raise CodecError(_CODEC, f"channel configuration {channels}")
    short = reader.flag()  # GASpecificConfig's frameLengthFlag, ISO/IEC 14496-3 4.4.1
    return Format(
        f"mp4a.40.{kind}",
        sample_rate=rate,
        channels=_CHANNELS[channels] or 2,
        frame_samples=960 if short else 1024,
    )


def _object_type(reader: BitReader) -> int:
    kind = reader.bits(5)
    return 32 + reader.bits(6) if kind == 31 else kind


def _rate(reader: BitReader) -> int:
    index = reader.bits(4)
    rate = reader.bits(24) if index == 15 else _RATES[index] if index < len(_RATES) else 0
    if not rate:
        raise CodecError(_CODEC, f"sampling frequency index {index}")
    return rate
