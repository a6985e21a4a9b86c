"""How many watch each broadcast, read from the state Valkey on a thread of its own, for the dispatcher never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import structlog

from streaming.bus import viewers
from streaming.bus.errors import BusError
from streaming.bus.layout import Call
from streaming.bus.redis import Valkey
from workers.ladder import UNWATCHED, Audience

log = structlog.get_logger(__name__)

COUNT_SECONDS = 5.0
BATCH = 100
"""Broadcasts counted in one round trip: a count of a rendition keeps the Valkey busy for some 50 us."""


class Census(threading.Thread):
    """Counts those who were asked for since it counted last, until `stop` is set. `now_ms` is Unix time."""

    def __init__(self, state: Valkey, *, now_ms: Callable[[], int], stop: threading.Event) -> None:
        super().__init__(name="census", daemon=True)
        self._state = state
        self._now_ms = now_ms
        self._stop_event = stop
        self._lock = threading.Lock()
        self._asked: dict[str, frozenset[str]] = {}
        self._counted: dict[str, Audience] = {}

    def audience(self, broadcast: str, renditions: Collection[str]) -> Audience:
        """As it was counted last; nobody, before the first count and long after a Valkey was lost."""
        with self._lock:
            self._asked[broadcast] = frozenset(renditions)
            return self._counted.get(broadcast, UNWATCHED)

    def run(self) -> None:
        while not self._stop_event.wait(COUNT_SECONDS):
            try:
                self.count()
            except BusError as error:
                log.warning("census.failed", error=str(error))

    def count(self) -> None:
        """Counts once. Raises BusError; what was counted before then stays."""
        with self._lock:
            asked, self._asked = list(self._asked.items()), {}
        counted: dict[str, Audience] = {}
        for at in range(0, len(asked), BATCH):
            counted |= self._count(asked[at : at + BATCH])
        with self._lock:
            self._counted = counted

    def _count(self, asked: list[tuple[str, frozenset[str]]]) -> dict[str, Audience]:
        now_ms = self._now_ms()
        calls: list[Call[int]] = []
        for broadcast, renditions in asked:
            calls.append(viewers.count(broadcast, now_ms=now_ms))
            calls += [viewers.count_of(broadcast, name, now_ms=now_ms) for name in sorted(renditions)]
        counts = iter(self._state.run_all(calls))
        return {
            broadcast: Audience(next(counts), {name: next(counts) for name in sorted(renditions)})
            for broadcast, renditions in asked
        }
