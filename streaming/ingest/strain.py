"""Whether this process has more to do than it can: its event loop comes late to everything then."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

TICK_SECONDS = 0.25
TICKS = 8
"""So many ticks in a row, 2 s, must come late: a single pause (a collection, a slow disk) is no overload."""
LATE_SECONDS = 0.05


class Strain:
    """Measures how late the loop wakes; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._late: deque[float] = deque(maxlen=TICKS)

    @property
    def is_over(self) -> bool:
        """Whether the process has been overloaded for the last seconds."""
        return len(self._late) == TICKS and min(self._late) > LATE_SECONDS

    async def run(self) -> None:
        """Measure for ever."""
        while True:
            began = self._clock()
            await asyncio.sleep(TICK_SECONDS)
            self.woke(self._clock() - began)

    def woke(self, after: float) -> None:
        """Takes how long a sleep of TICK_SECONDS lasted."""
        self._late.append(after - TICK_SECONDS)
