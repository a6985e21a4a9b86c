"""How long to wait before a program that ended is started again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from `first` to `most` seconds; a program that ran `healthy` seconds starts over at `first`."""

    first: float = 0.5
    most: float = 10.0
    healthy: float = 20.0
    failures: int = 0

    def after(self, ran: float) -> float:
        """The wait after a run of `ran` seconds."""
        if ran >= self.healthy:
            self.failures = 0
        wait = min(self.first * (1 << self.failures), self.most)
        if wait < self.most:  # a bound on the exponent, too
            self.failures += 1
        return wait
