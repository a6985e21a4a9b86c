"""Somebody who watches a broadcast's ladder, and what must have reached him."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from streaming.bus import demand, tasks
from streaming.bus.errors import BusUnavailable
from streaming.bus.redis import Valkey
from streaming.media import Chunk
from tests.workers.fleet import eventually
from tests.workers.live import Broadcaster, Frames, assert_in_order, published

RENDITIONS = ("360p", "160p")


@contextmanager
def audience(bus: Valkey) -> Iterator[None]:
    """Somebody who watches all renditions."""
    gone = threading.Event()

    def watch() -> None:
        while not gone.wait(0.5):
            with suppress(BusUnavailable):  # where a test restarts it
                bus.run_all([demand.want("b", rendition) for rendition in RENDITIONS])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        gone.set()
        thread.join()


def has(bus: Valkey, msn: int, part: int) -> Callable[[], bool]:
    def check() -> bool:
        newest = bus.run(tasks.newest_chunk("b", "160p"))
        return newest is not None and (newest.msn, newest.part) >= (msn, part)

    return check


def assert_whole(bus: Valkey, live: Broadcaster) -> None:
    """Every picture from where a rendition started, once, in order, no GAP."""
    for rendition in RENDITIONS:
        chunks: list[Chunk] = published(bus, "b", rendition)
        assert_in_order(chunks)
        assert not [(chunk.msn, chunk.part) for chunk in chunks if chunk.gap]
        assert Frames.of(chunks).shown == [at for at in Frames.of(live.chunks).shown if at >= chunks[0].dts]


def assert_ends_like(bus: Valkey, live: Broadcaster) -> None:
    end = live.chunks[-1].dts + live.chunks[-1].duration

    def reached(rendition: str) -> bool:
        newest = bus.run(tasks.newest_chunk("b", rendition))
        return newest is not None and newest.dts + newest.duration == end

    eventually(lambda: all(reached(rendition) for rendition in RENDITIONS))
