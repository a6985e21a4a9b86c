"""The publisher's clock: where it jumps. Timestamps are in ms, unwrapped; both tracks count by the same clock.

A track may lag behind the other or pause by itself: that is the packager's affair. The clock has jumped when a
timestamp is far from its own track's last one and from the other track's too.
"""

from __future__ import annotations

from enum import Enum

JUMP_MS = 3_000
"""Farther than this is another time, not a late or early frame."""
STRAGGLERS = 200
"""How many units of the old time may follow the first of the new one: the other track jumps a little later."""


class Step(Enum):
    """How a timestamp follows those before it."""

    FORWARD = "forward"
    JUMP = "jump"
    STRAGGLER = "straggler"
    """From before the jump: there is no place left for it."""


class Timeline:
    """Follows the timestamps of one publisher's two tracks as they arrive."""

    def __init__(self) -> None:
        self._last: dict[bool, int] = {}
        self._before_jump: dict[bool, int] = {}
        self._stragglers = 0

    def step(self, timestamp: int, *, is_video: bool) -> Step:
        """Take the next timestamp of a track."""
        if not self._last or any(_near(timestamp, last) for last in self._last.values()):
            self._last[is_video] = timestamp
            return Step.FORWARD
        old = self._before_jump.get(is_video)
        if old is not None and _near(timestamp, old) and self._stragglers < STRAGGLERS:
            self._stragglers += 1
            return Step.STRAGGLER
        # What the tracks had before is the old time now; this track's alone begins the new one.
        self._before_jump, self._last = self._last, {is_video: timestamp}
        self._stragglers = 0
        return Step.JUMP


def _near(one: int, other: int) -> bool:
    return abs(one - other) <= JUMP_MS
