"""Segments and parts as playlists know them: times, numbers and flags, without the media."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile


@dataclass(frozen=True, slots=True)
class Part:
    """A whole partial segment. `dts` and `duration` are in ticks of the rendition."""

    dts: int
    duration: int
    independent: bool
    gap: bool


@dataclass(slots=True)
class Segment:
    """A media segment. `parts` are whole ones; the segment is immutable from when it is `closed`.

    `starts_discontinuity` tells whether the segment before it had another discontinuity number (EXT-X-DISCONTINUITY),
    `starts_init` whether it had another init section (EXT-X-MAP).
    """

    msn: int
    dts: int
    wall_ms: int
    discontinuity: int
    init: int
    starts_discontinuity: bool
    starts_init: bool
    parts: list[Part] = field(default_factory=list)
    closed: bool = False

    @property
    def end(self) -> int:
        """Where the whole parts end, in ticks."""
        return self.parts[-1].dts + self.parts[-1].duration if self.parts else self.dts

    @property
    def duration(self) -> int:
        """In ticks."""
        return self.end - self.dts

    @property
    def gap(self) -> bool:
        """Whether some of its media is missing: then the segment as a whole can't be loaded."""
        return any(part.gap for part in self.parts)

    def listed(self, part_target: int) -> list[Part]:
        """The parts that a playlist may list; `part_target` is in ticks.

        No part may be longer than PART-TARGET (RFC 8216bis 4.4.4.9), yet one frame of a slow source may last longer,
        and its time can't be cut. Such a segment's parts are listed up to there, and the rest only as a segment.
        """
        return list(takewhile(lambda part: part.duration <= part_target, self.parts))
