"""When to try again. Pure."""

from __future__ import annotations

MAX_ATTEMPTS = 10
"""A step that failed so often is dead; with the waits below that is after some 25 minutes."""
FIRST_SECONDS = 1.0
LONGEST_SECONDS = 600.0
FIRST_WAKE_SECONDS = 5.0
LONGEST_WAKE_SECONDS = 320.0


def retry_after(attempts: int, jitter: float) -> float:
    """Seconds to wait after the `attempts`-th failure: 1, 3, 9, 27 … 600, each between half and one and a half of it.

    `jitter` is from 0 to 1: steps that failed together, as when storage was away, must not come back together.
    """
    return min(LONGEST_SECONDS, FIRST_SECONDS * 3.0 ** min(attempts - 1, 10)) * (0.5 + jitter)


def wake_after(wakes: int) -> float:
    """Seconds after which a message is taken for lost, when `wakes` were sent: 5, 10, 20 … 320.

    Where the queue is merely long, messages about one step stay few.
    """
    return min(LONGEST_WAKE_SECONDS, FIRST_WAKE_SECONDS * 2.0 ** min(max(0, wakes - 1), 10))
