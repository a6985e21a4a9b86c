"""The way to the broker, on a thread of its own: a broker that is away must not keep the dispatcher from watching."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

L = TypeVar("L")

CAPACITY = 1_000
BATCH = 100
"""The most letters sent at a time."""
FRESH_SECONDS = 1.0
"""A letter that waited longer isn't sent: nobody claimed its task, so another was ordered by now."""
POLL_SECONDS = 0.25


class Post(threading.Thread, Generic[L]):
    """Hands letters to `send` in order, all that wait at once. `send` must not raise.

    When more than CAPACITY wait, new ones are dropped, as if lost on the way.
    """

    def __init__(self, send: Callable[[Sequence[L]], None], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name="post", daemon=True)
        self._send = send
        self._clock = clock
        self._waiting: queue.Queue[tuple[float, L]] = queue.Queue(CAPACITY)
        self._closed = threading.Event()

    def put(self, letter: L) -> None:
        """Sends soon."""
        try:
            self._waiting.put_nowait((self._clock(), letter))
        except queue.Full:
            log.warning("post.full", waiting=CAPACITY)

    def run(self) -> None:
        while not self._closed.is_set():
            waiting = self._collect()
            now = self._clock()
            fresh = [letter for since, letter in waiting if now - since <= FRESH_SECONDS]
            if len(fresh) < len(waiting):
                log.warning("post.stale", letters=len(waiting) - len(fresh))
            if fresh:
                self._send(fresh)

    def close(self) -> None:
        """Ends the thread after the letters that it is sending."""
        self._closed.set()

    def _collect(self) -> list[tuple[float, L]]:
        """What waits, a batch at most; nothing, if nothing comes for a while."""
        found: list[tuple[float, L]] = []
        with suppress(queue.Empty):
            found.append(self._waiting.get(timeout=POLL_SECONDS))
            while len(found) < BATCH:
                found.append(self._waiting.get_nowait())
        return found
