"""The time, as ingest takes it: handed in, so that graces and limits are tested without waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic` is in seconds from anywhere, `utc` is aware."""

    monotonic: Callable[[], float] = time.monotonic
    utc: Callable[[], datetime] = _utc_now

    def wall_ms(self) -> int:
        """UTC in ms since 1970."""
        return int(self.utc().timestamp() * 1000)
