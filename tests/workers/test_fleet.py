"""The whole way with real processes at the pace of the media: dispatchers, broker, workers, ffmpeg."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings

from streaming.bus import demand, tasks
from streaming.bus.redis import Valkey
from streaming.media import Chunk
from tests.workers.clips import clip
from tests.workers.fleet import dispatcher, eventually, worker
from tests.workers.live import Broadcaster, Frames, assert_in_order, published

RENDITIONS = ("360p", "160p")


@contextmanager
def audience(bus: Valkey) -> Iterator[None]:
    """Somebody who watches all renditions."""
    gone = threading.Event()

    def watch() -> None:
        while not gone.wait(0.5):
            for rendition in RENDITIONS:
                bus.run(demand.want("b", rendition))

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


def holder(bus: Valkey) -> str:
    """The declared name of the device that has the newest segment."""
    found = bus.run(tasks.observe("b", segments=3)).tasks
    newest = found[max(found)]
    attempt = max(newest.attempts.values(), key=lambda each: each.ordered_ms)
    return attempt.device.removeprefix(f"{settings.HOST_NAME}.")


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


def test_stopped_and_killed_workers_and_a_lost_dispatcher_cost_no_part(bus: Valkey, state_url: str) -> None:
    track, units = clip(seconds=16, size="640x480", bframes=2)
    with ExitStack() as stack:
        workers: dict[str, subprocess.Popen[bytes]] = {
            name: stack.enter_context(worker(bus, name)) for name in ("cpu:0", "cpu:1", "cpu")
        }
        stack.enter_context(dispatcher(bus))
        other = ExitStack()
        other.enter_context(dispatcher(bus))
        live = Broadcaster(bus, track)
        thread = live.publish_live(units)
        stack.enter_context(audience(bus))
        eventually(has(bus, 2, 1))
        stopped = workers.pop(holder(bus))
        os.kill(stopped.pid, signal.SIGSTOP)
        eventually(has(bus, 3, 2))
        other.close()
        eventually(has(bus, 4, 1))
        workers.pop(holder(bus)).kill()
        eventually(has(bus, 5, 2))
        os.kill(stopped.pid, signal.SIGCONT)
        thread.join()
        live.end()
        assert_ends_like(bus, live)
    assert_whole(bus, live)


def test_a_rolling_restart_costs_no_part(bus: Valkey, state_url: str) -> None:
    track, units = clip(seconds=13, size="640x480")
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker(bus, name)) for name in ("cpu:0", "cpu:1")}
        stack.enter_context(dispatcher(bus))
        live = Broadcaster(bus, track)
        thread = live.publish_live(units)
        eventually(lambda: bool(live.chunks) and live.last_msn == 1)
        assert published(bus, "b", "160p") == []  # nobody watches yet
        stack.enter_context(audience(bus))
        eventually(has(bus, 2, 1))
        first = holder(bus)
        workers[first].terminate()
        assert workers[first].wait(15) == 0
        stack.enter_context(worker(bus, first))
        eventually(has(bus, live.last_msn, 1))
        second = holder(bus)
        assert second != first
        workers[second].terminate()
        thread.join()
        live.end()
        assert workers[second].wait(15) == 0
        assert_ends_like(bus, live)
        assert holder(bus) == first
    assert published(bus, "b", "160p")[0].msn == 0  # the segment that was over when somebody came
    assert_whole(bus, live)
