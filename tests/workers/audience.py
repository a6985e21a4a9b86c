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
def audience(bus: Valkey, *broadcasts: str) -> Iterator[None]:
    """Somebody who watches all renditions, of "b" unless told otherwise."""
    gone = threading.Event()

    def watch() -> None:
        while not gone.wait(0.5):
            with suppress(BusUnavailable):  # where a test restarts it
                bus.run_all([demand.want(each, rendition) for each in broadcasts or ("b",) for rendition in RENDITIONS])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        gone.set()
        thread.join()


def has(bus: Valkey, msn: int, part: int, broadcast: str = "b") -> Callable[[], bool]:
    def check() -> bool:
        newest = bus.run(tasks.newest_chunk(broadcast, "160p"))
        return newest is not None and (newest.msn, newest.part) >= (msn, part)

    return check


def assert_whole(bus: Valkey, live: Broadcaster, *, since: int = 0) -> None:
    """Every picture from where a rendition started, or from segment `since` on, once, in order, no GAP."""
    for rendition in RENDITIONS:
        chunks: list[Chunk] = published(bus, live.broadcast, rendition)
        assert_in_order(chunks)
        chunks = [chunk for chunk in chunks if chunk.msn >= since]
        assert not [(chunk.msn, chunk.part) for chunk in chunks if chunk.gap]
        assert Frames.of(chunks).shown == [at for at in Frames.of(live.chunks).shown if at >= chunks[0].dts]


def assert_ends_like(bus: Valkey, live: Broadcaster) -> None:
    end = live.chunks[-1].dts + live.chunks[-1].duration

    def reached(rendition: str) -> bool:
        newest = bus.run(tasks.newest_chunk(live.broadcast, rendition))
        return newest is not None and newest.dts + newest.duration == end

    eventually(lambda: all(reached(rendition) for rendition in RENDITIONS))
