"""What the source's packager hands out, in the order in which it must be published."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from streaming.media import Chunk, Track

from .format import Format


@dataclass(frozen=True, slots=True)
class InitSection:
    """The CMAF header that chunks with this `init` number need (EXT-X-MAP), and the track it was made of."""

    rendition: str
    number: int
    data: bytes
    track: Track
    format: Format


@dataclass(frozen=True, slots=True)
class Packaged:
    """A chunk of the rendition `source` or `audio`."""

    rendition: str
    chunk: Chunk


class NoticeKind(StrEnum):
    """What a streamer should know about the incoming media."""

    FORCED_CUT = "forced_cut"
    TIMESTAMP_DROPPED = "timestamp_dropped"
    VIDEO_STALLED = "video_stalled"
    AUDIO_STALLED = "audio_stalled"
    PAUSED = "paused"
    FORMAT_CHANGED = "format_changed"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the streamer's dashboard; `count` says how often this kind came up in a row."""

    kind: NoticeKind
    text: str
    count: int = 1


Output: TypeAlias = InitSection | Packaged | Notice
