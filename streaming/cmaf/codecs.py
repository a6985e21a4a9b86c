"""What a track is: one door to the parsers of the codec configuration records."""

from __future__ import annotations

from streaming.media import VIDEO_TIMESCALE, Codec, Track

from . import aac, av1, avc, hevc
from .format import Format

_PARSERS = {Codec.H264: avc.parse, Codec.HEVC: hevc.parse, Codec.AV1: av1.parse, Codec.AAC: aac.parse}


def parse(codec: Codec, config: bytes) -> Format:
    """What a codec configuration (as `Track.config` carries it) says. Raises `CodecError`."""
    return _PARSERS[codec](config)


def track(codec: Codec, config: bytes) -> Track:
    """A track of this configuration, in the timescale that its codec has here. Raises `CodecError`."""
    told = parse(codec, config)
    return Track(
        codec=codec,
        timescale=VIDEO_TIMESCALE if codec.is_video else told.sample_rate,
        config=config,
        width=told.width,
        height=told.height,
        sample_rate=told.sample_rate,
        channels=told.channels,
    )
