"""The order in which fed pictures are shown, and so how long each lasts. Pure.

An encoder's output picture can be packed once its successor's time is known. Waiting for the successor itself costs a
frame, and at the end of a source chunk a whole chunk; mostly the source has told the time already.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence

from streaming.media import AccessUnit

RECENT_GAPS = 64
"""How many decoding times are remembered to know how close two pictures may be: one jump must not count for ever."""


class Presentation:
    """Pictures of the source, fed in decoding order, kept in the order of their presentation times (ticks).

    Whoever feeds it says with `forget` what isn't needed any more; then it holds about a segment.
    """

    def __init__(self) -> None:
        self._times: list[int] = []
        self._keys: set[int] = set()
        self._gaps: deque[int] = deque(maxlen=RECENT_GAPS)
        self._last_dts: int | None = None
        self._end = 0

    def feed(self, units: Sequence[AccessUnit], end: int) -> None:
        """Adds a run of access units; `end` is when its last one ends, in decoding time."""
        for unit in units:
            if self._last_dts is not None and unit.dts > self._last_dts:
                self._gaps.append(unit.dts - self._last_dts)
            self._last_dts = unit.dts
            at = bisect_left(self._times, unit.pts)
            if self._times[at : at + 1] != [unit.pts]:
                self._times.insert(at, unit.pts)
            if unit.sync:
                self._keys.add(unit.pts)
        self._end = end

    def successor(self, pts: int, every: int) -> int | None:
        """When the next picture is shown of those an encoder takes that takes each `every`th; None: not known yet.

        An encoder also takes each key picture, and counts anew from it, as `ffmpeg.command` says.
        """
        previous, taken = pts, 0
        room = 2 * min(self._gaps, default=0)
        for at in range(bisect_right(self._times, pts), len(self._times)):
            time = self._times[at]
            # A picture still to come may lie in between only if there is room for one.
            if time not in self._keys and time - previous >= room:
                return None
            taken += 1
            if taken >= every or time in self._keys:
                return time
            previous = time
        # All fed pictures came out already, so the decoder reorders none: what ends here in decoding time does so in
        # presentation too.
        return self._end if taken + 1 >= every and self._end > previous else None

    def count_after(self, pts: int) -> int:
        """How many of the fed pictures are shown after this time."""
        return len(self._times) - bisect_right(self._times, pts)

    def forget(self, before: int) -> None:
        """Drops the pictures shown before this time."""
        del self._times[: bisect_left(self._times, before)]
        self._keys = {key for key in self._keys if key >= before}
