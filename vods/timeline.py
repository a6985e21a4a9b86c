"""A recording's segments in a row, and where in them a moment is. Pure.

Positions are milliseconds of media from the start, as a player shows them: gaps count, the time in which the encoder
was away does not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from vods.segments import StoredSegment, between


class Timeline:
    """Segments without holes: gaps stand for what is missing between those given. `timescale` is ticks a second."""

    def __init__(self, segments: Iterable[StoredSegment], *, timescale: int) -> None:
        self.timescale = timescale
        self.segments: Sequence[StoredSegment] = _whole(segments)
        self._walls = [segment.wall_ms for segment in self.segments]
        self._starts: list[int] = []
        """Where each segment starts, in ticks of media."""
        total = 0
        for segment in self.segments:
            self._starts.append(total)
            total += segment.duration
        self.ticks = total

    @property
    def first_msn(self) -> int:
        return self.segments[0].msn if self.segments else 0

    @property
    def duration_ms(self) -> int:
        return self.ticks * 1000 // self.timescale

    @property
    def lost(self) -> int:
        """How many segments are missing."""
        return sum(segment.gap for segment in self.segments)

    @property
    def peak(self) -> int:
        """The highest bit rate of a segment (RFC 8216bis 4.4.6.2, BANDWIDTH)."""
        rates = [segment.size * 8 * self.timescale // segment.duration for segment in self.segments if segment.duration]
        return max(rates, default=0)

    def start_ms(self, index: int) -> int:
        """The position at which the index-th segment starts."""
        return self._starts[index] * 1000 // self.timescale

    def index_at(self, position_ms: int) -> int:
        """Which segment plays at a position; the first or the last one beyond the ends."""
        ticks = position_ms * self.timescale // 1000
        return max(0, min(bisect_right(self._starts, ticks) - 1, len(self.segments) - 1))

    def position_of(self, wall_ms: int) -> int:
        """The position of a moment, given in UTC ms; one in which nothing was recorded is where it goes on."""
        index = bisect_right(self._walls, wall_ms) - 1
        if index < 0:
            return 0
        length_ms = self.segments[index].duration * 1000 // self.timescale
        return self.start_ms(index) + min(length_ms, wall_ms - self._walls[index])


def _whole(segments: Iterable[StoredSegment]) -> list[StoredSegment]:
    found: list[StoredSegment] = []
    for segment in sorted(segments, key=lambda segment: segment.msn):
        if found:
            found += [StoredSegment(*times) for times in between(found[-1], segment)]
        found.append(segment)
    return found
