"""The way to the broker, on a thread of its own: a broker that is away must not keep the dispatcher from watching."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

CAPACITY = 1_000
FRESH_SECONDS = 1.0
"""A message that waited longer isn't sent: nobody claimed its task, so another was ordered by now."""
POLL_SECONDS = 0.25


class Post(threading.Thread):
    """Sends messages one after the other. When more than CAPACITY wait, new ones are dropped, as if lost on the way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name="post", daemon=True)
        self._clock = clock
        self._waiting: queue.Queue[tuple[float, Callable[[], None]]] = queue.Queue(CAPACITY)
        self._closed = threading.Event()

    def put(self, send: Callable[[], None]) -> None:
        """Sends soon. `send` must not raise."""
        try:
            self._waiting.put_nowait((self._clock(), send))
        except queue.Full:
            log.warning("post.full", waiting=CAPACITY)

    def run(self) -> None:
        while not self._closed.is_set():
            try:
                since, send = self._waiting.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if self._clock() - since <= FRESH_SECONDS:
                send()
            else:
                log.warning("post.stale")

    def close(self) -> None:
        """Ends the thread after the message that it is sending."""
        self._closed.set()
