"""What a codec configuration says about the pictures or sounds it is for."""

from __future__ import annotations

from dataclasses import dataclass

FASTEST = 1_000_000
"""A frame rate above this, per 1000 s, is no frame rate: a thousand pictures a second."""


@dataclass(frozen=True, slots=True)
class Format:
    """`codecs` is the RFC 6381 string. Sizes are in pixels, after cropping; `frame_rate` is in frames per 1000 s,
    0 where the configuration doesn't tell. For audio, `frame_samples` is the length of a frame in samples.
    """

    codecs: str
    width: int = 0
    height: int = 0
    frame_rate: int = 0
    sample_rate: int = 0
    channels: int = 0
    frame_samples: int = 0
