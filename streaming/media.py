"""Shared nouns of the live media path: tracks, access units, CMAF chunks and where they stand in a broadcast.

Times are integer ticks. A track's `timescale` says how many ticks make a second: 90,000 for video (RTMP's milliseconds
are exact multiples), the sampling rate for audio. A broadcast's timeline starts near 0 and never runs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

VIDEO_TIMESCALE = 90_000
PART_TARGET_MS = 400
"""PART-TARGET of every broadcast, fixed for its life (RFC 8216bis 4.4.3.7)."""
SEGMENT_TARGET_MS = 2_000
"""A segment is cut at the first IDR at or after this much media."""

SOURCE = "source"
AUDIO = "audio"
"""Names of the two renditions that are never transcoded."""


class Codec(StrEnum):
    """What an elementary bitstream is coded in."""

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"
    AAC = "aac"

    @property
    def is_video(self) -> bool:
        return self is not Codec.AAC


@dataclass(frozen=True, slots=True)
class Track:
    """What a decoder must know before the first access unit.

    `config` is the codec configuration record as its box carries it: the body of avcC, hvcC or av1C
    (ISO/IEC 14496-15, AV1-ISOBMFF), or the AudioSpecificConfig (ISO/IEC 14496-3) for AAC.
    """

    codec: Codec
    timescale: int
    config: bytes
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture or audio frame.

    `data`: H.264 and HEVC as NAL units with 4-byte lengths, AV1 as a temporal unit's OBUs without the temporal
    delimiter, AAC as a raw frame. `sync` is true for an IDR (H.264 NAL type 5, HEVC 19 and 20), an AV1 key frame,
    and every audio frame: a recovery point is not one, whatever the container's keyframe flag says. `recovery` is true
    for a picture that has that flag and is none.
    `dts` and `pts` are ticks of the track's timescale.
    """

    dts: int
    pts: int
    data: bytes
    sync: bool
    recovery: bool = False


class Closes(IntEnum):
    """What ends with a chunk. The next chunk's numbers are decisive: a part can also end unannounced."""

    NOTHING = 0
    PART = 1
    SEGMENT = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """A CMAF chunk (`moof`+`mdat`) and its place in a rendition: the media bus's atom.

    `discontinuity` counts the discontinuities of the broadcast up to here (EXT-X-DISCONTINUITY-SEQUENCE arithmetic
    falls out of it); `init` numbers the init section the chunk needs. `wall_ms` is the UTC time of the first sample in
    ms since 1970, derived from one anchor per discontinuity, so that PROGRAM-DATE-TIME never drifts. A `gap` chunk has
    no data: it stands for media that could not be made (EXT-X-GAP).
    """

    msn: int
    part: int
    dts: int
    duration: int
    wall_ms: int
    independent: bool
    closes: Closes
    discontinuity: int
    init: int
    data: bytes
    gap: bool = False


class RenditionState(StrEnum):
    """Source and audio are always running; the ladder runs on demand."""

    IDLE = "idle"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding of a broadcast, as the multivariant playlist lists it.

    `codecs` is the RFC 6381 string; `bandwidth` is the peak in bit/s, `frame_rate` frames per 1000 s (29.97 -> 29970).
    `timescale` is that of the rendition's chunks.
    """

    name: str
    codecs: str
    bandwidth: int
    timescale: int
    width: int = 0
    height: int = 0
    frame_rate: int = 0


class BroadcastState(StrEnum):
    """The life of a broadcast: live and reconnecting alternate, ended is for good."""

    LIVE = "live"
    RECONNECTING = "reconnecting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Description:
    """What the bus tells everyone about a broadcast, rewritten whole whenever it changes.

    `target_duration` is EXT-X-TARGETDURATION in seconds: 0 until the first segment has closed, then fixed.
    `renditions` holds source first (absent for audio only), then the ladder from the largest down, then audio.
    `partner` says that its channel was a partner of the house when its encoder connected: it is served first.
    """

    broadcast: str
    state: BroadcastState
    target_duration: int
    part_target_ms: int
    renditions: tuple[Rendition, ...]
    partner: bool = False
