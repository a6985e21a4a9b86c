"""Periods of a live presentation (ISO/IEC 23009-1 5.3.2): a new one where players must set their decoders up anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streaming.hls.segment import Segment


@dataclass(frozen=True, slots=True)
class Period:
    """A run of segments of one discontinuity and one init section of the leading rendition.

    `begin` is where its media begins, in ticks of that rendition; `origin_ms` the UTC time of tick 0, in ms since
    1970. It holds the segments from `first` on, up to the next period's `first`.
    """

    name: str
    first: int
    begin: int
    origin_ms: int


class Periods:
    """Divides the leading rendition's window, and remembers where periods began after their first segments slid out.

    A period's start must not change while it is listed. Who comes after its first segment slid out doesn't know it:
    then it begins with the broadcast, as the first period does in any case.
    """

    def __init__(self) -> None:
        self._begins: dict[str, tuple[int, int]] = {}

    def divide(self, segments: Sequence[Segment], timescale: int) -> list[Period]:
        """The periods of closed segments, oldest first."""
        periods: list[Period] = []
        for index, segment in enumerate(segments):
            name = f"{segment.discontinuity}.{segment.init}"
            if periods and periods[-1].name == name:
                continue
            first, begin = self._begins.get(name) or ((segment.msn, segment.dts) if index else (0, 0))
            self._begins[name] = first, begin
            # Exact: wall times of a discontinuity are rounded down from one anchor.
            origin = segment.wall_ms - segment.dts * 1000 // timescale
            periods.append(Period(name, first, begin, origin))
        listed = {period.name for period in periods}
        self._begins = {name: begin for name, begin in self._begins.items() if name in listed}
        return periods
