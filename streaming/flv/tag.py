"""FLV tags: what a file is a run of, and what an RTMP audio, video or data message carries the body of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class TagType(IntEnum):
    """FLV E.4.1; RTMP 1.0 7.1 uses the same numbers as message type ids."""

    AUDIO = 8
    VIDEO = 9
    SCRIPT = 18


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: its type, its decoding time in ms, and its body (AUDIODATA, VIDEODATA or SCRIPTDATA)."""

    type: TagType
    timestamp: int
    body: bytes


def fourcc(name: bytes) -> str:
    """A FourCC for an error message: printable, quoted."""
    return name.decode("ascii", "backslashreplace")
