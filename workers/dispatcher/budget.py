"""How many late attempts may be hedged: a share of all, so that the loss of a whole device does not cascade. Pure.

Each dispatcher has a budget of its own. It earns with the attempts that it has ordered itself, and every attempt is
ordered by one dispatcher: so the hedges of all together are that share of all, with nothing to agree upon.
"""

from __future__ import annotations

SHARE = 0.05
"""Hedges per ordered attempt."""
BURST = 4.0
"""Hedges that may be spent at once."""


class HedgeBudget:
    """Earned with every attempt, spent with every hedge, whoever may be faster to order that."""

    def __init__(self) -> None:
        self._left = BURST

    def earn(self, attempts: int = 1) -> None:
        """So many attempts were ordered."""
        self._left = min(BURST, self._left + SHARE * attempts)

    def spend(self) -> bool:
        """Takes a hedge out, if there is one."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
