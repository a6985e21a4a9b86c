"""The publisher's clock on the broadcast's timeline, and the timeline on the wall."""

from __future__ import annotations

from streaming.media import VIDEO_TIMESCALE, AccessUnit

from .cut import Anchor
from .position import Position

TICKS_MS = VIDEO_TIMESCALE // 1000
"""90 kHz ticks of a millisecond."""


class SourceClock:
    """Maps times of a publisher to the timeline of its broadcast, in 90 kHz ticks.

    The first access unit ties the two together: it comes at the UTC time `wall_ms`, after the position's end by as
    much as passed since on the wall, and never before it, whatever the wall clock did meanwhile.
    """

    def __init__(self, wall_ms: int, position: Position) -> None:
        self._wall_ms = wall_ms
        self._position = position
        self._offset: int | None = None
        self._anchor: Anchor | None = None

    @property
    def anchor(self) -> Anchor:
        """From where wall times are counted. Only once the clock is tied."""
        assert self._anchor is not None
        return self._anchor

    @property
    def offset(self) -> int:
        """What to add to the publisher's ticks. Only once the clock is tied."""
        assert self._offset is not None
        return self._offset

    def at(self, unit: AccessUnit, timescale: int) -> int:
        """Where a unit is shown on the timeline; the first one asked for ties the clock."""
        pts = unit.pts * VIDEO_TIMESCALE // timescale
        if self._offset is None:
            known = self._position
            passed = max(0, self._wall_ms - known.end_wall_ms) if known.end_wall_ms else 0
            at = (known.end_ms + passed) * TICKS_MS
            self._offset = at - pts
            self._anchor = Anchor(at, max(self._wall_ms, known.end_wall_ms))
        return pts + self._offset

    def wall_ms(self, at: int) -> int:
        """The UTC time of a moment of the timeline; that of the position's end while nothing came."""
        if self._anchor is None:
            return self._position.end_wall_ms
        return self._anchor.wall_ms + (at - self._anchor.at) // TICKS_MS
