"""What a strict reader finds in a media playlist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

PART_TARGET = Fraction("0.4")


@dataclass(frozen=True)
class Part:
    uri: str
    duration: Fraction
    independent: bool
    gap: bool


@dataclass(frozen=True)
class Segment:
    """`duration` and `uri` are None while the segment is open."""

    msn: int
    date: datetime
    discontinuity: int
    init: str
    parts: tuple[Part, ...]
    duration: Fraction | None
    uri: str | None
    gap: bool


@dataclass(frozen=True)
class MediaPlaylist:
    target_duration: int
    skip_until: Fraction
    media_sequence: int
    discontinuity_sequence: int
    skipped: int
    segments: tuple[Segment, ...]
    preload_hint: str | None
    reports: dict[str, tuple[int, int]]
    ended: bool

    @property
    def closed(self) -> tuple[Segment, ...]:
        return tuple(segment for segment in self.segments if segment.duration is not None)

    @property
    def newest(self) -> tuple[int, int]:
        """MSN and number of the newest listed part."""
        last = self.segments[-1]
        return last.msn, len(last.parts) - 1


def lasts(segment: Segment) -> Fraction:
    return segment.duration if segment.duration is not None else sum((p.duration for p in segment.parts), Fraction())


def total(segments: tuple[Segment, ...]) -> Fraction:
    return sum(map(lasts, segments), Fraction())
