"""Where a broadcast is cut into segments."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.media import VIDEO_TIMESCALE

from .rendition import Opening


@dataclass(frozen=True, slots=True)
class Anchor:
    """The one pair of timeline (90 kHz ticks) and UTC (ms) from which a discontinuity's wall times are counted."""

    at: int
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A segment's beginning, the same in every rendition: `at` is in 90 kHz ticks of the timeline."""

    msn: int
    at: int
    discontinuity: int
    independent: bool
    anchor: Anchor

    def opening(self, dts: int, timescale: int) -> Opening:
        """How a rendition of this timescale opens the segment with an access unit at `dts`."""
        ticks = dts * VIDEO_TIMESCALE // timescale
        wall_ms = self.anchor.wall_ms + (ticks - self.anchor.at) * 1000 // VIDEO_TIMESCALE
        return Opening(self.msn, dts, wall_ms, self.discontinuity, init=0)

    def ticks(self, timescale: int) -> int:
        """The first tick of this timescale at or after the cut."""
        return -(-self.at * timescale // VIDEO_TIMESCALE)
