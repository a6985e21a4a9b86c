"""Counts what becomes of attempts, from what is seen of their broadcasts anyway."""

from __future__ import annotations

from collections.abc import Callable

from streaming.bus.tasks import NOBODY
from streaming.bus.view import View
from workers.dispatcher.judgement import Loss

Token = tuple[int, str]
"""A segment and the token of an attempt at it."""


class Tally:
    """Remembers the attempts of each broadcast's watched segments that were counted. `started` takes seconds."""

    def __init__(self, *, started: Callable[[float], None], hedge_won: Callable[[], None]) -> None:
        self._started = started
        self._hedge_won = hedge_won
        self._counted: dict[str, set[Token]] = {}
        self._hedges: dict[str, set[Token]] = {}

    def ordered(self, broadcast: str, msn: int, token: str, why: str) -> None:
        """An attempt was ordered."""
        if why == Loss.LATE:
            self._hedges.setdefault(broadcast, set()).add((msn, token))

    def saw(self, broadcast: str, view: View) -> None:
        """A broadcast was looked at: counts each attempt's start, and each hedge that has finished, once."""
        before, counted = self._counted.get(broadcast, set()), set()
        for msn, task in view.tasks.items():
            for token, attempt in task.attempts.items():
                if attempt.claimed_ms is None or attempt.device == NOBODY:
                    continue
                counted.add((msn, token))
                if (msn, token) not in before:
                    self._started((attempt.claimed_ms - attempt.ordered_ms) / 1000)
        self._counted[broadcast] = counted
        if broadcast in self._hedges:
            self._settle(broadcast, view)

    def forget(self, broadcast: str) -> None:
        """Nothing more will be seen of it."""
        self._counted.pop(broadcast, None)
        self._hedges.pop(broadcast, None)

    def _settle(self, broadcast: str, view: View) -> None:
        open_ones = set()
        for msn, token in self._hedges[broadcast]:
            task = view.tasks.get(msn)
            held = {name for name, newest in task.tokens.items() if newest == token} if task is not None else set()
            if task is not None and held and held <= task.done:
                self._hedge_won()
            elif held and msn in view.tasks:
                open_ones.add((msn, token))
        if open_ones:
            self._hedges[broadcast] = open_ones
        else:
            del self._hedges[broadcast]
