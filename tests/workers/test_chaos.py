"""What must cost no part: messages that come twice, late, or again, and a bus that cuts its connections or is full."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from streaming.bus import tasks, troubles
from streaming.bus.layout import Call, nothing
from streaming.bus.redis import Valkey
from streaming.media import Chunk
from tests.engines import FragileBus
from tests.workers.audience import RENDITIONS, assert_ends_like, assert_whole, audience, has
from tests.workers.clips import clip
from tests.workers.fleet import eventually
from tests.workers.live import Broadcaster, assert_in_order, order, published
from tests.workers.threads import NAMES, Fleet, Message
from workers.errors import AttemptRefused
from workers.transcode import Order, Workbench, transcode

SEED = 7


@contextmanager
def broadcasting(bus: Valkey, fleet: Fleet, *, seconds: float = 7) -> Iterator[Broadcaster]:
    """A broadcast at the pace of its media; at the end every part must have come, once and in order."""
    track, units = clip(seconds=seconds, size="640x480", bframes=2)
    with fleet.at_work(), audience(bus):
        live = Broadcaster(bus, track)
        thread = live.publish_live(units)
        try:
            yield live
        finally:
            thread.join()
        live.end()
        assert_ends_like(bus, live)
    assert_whole(bus, live)


def test_messages_that_are_doubled_reordered_and_replayed_cost_no_part(bus: Valkey) -> None:
    dice = random.Random(SEED)
    held: list[Message] = []
    delivered: list[Message] = []

    def unruly(message: Message) -> Sequence[Message]:
        """Every message twice, one from the past with it, and now and then one behind the next."""
        if not held and dice.random() < 0.4:
            held.append(message)
            return []
        now = [message, *held, message, *dice.sample(delivered, min(2, len(delivered)))]
        held.clear()
        delivered.extend(now)
        return now

    fleet = Fleet(bus, deliver=unruly)
    with broadcasting(bus, fleet):
        pass
    assert len(delivered) > 2 * len(fleet.sent)


@pytest.mark.parametrize("seconds", [-5, 5])
def test_a_worker_whose_clock_is_wrong_is_as_good_as_any(bus: Valkey, bench: Workbench, seconds: int) -> None:
    """The bus's clock is the only one that counts; a worker's own need only run."""
    track, units = clip(seconds=2.5)
    Broadcaster(bus, track).publish(units)
    token = order(bus, "b", 0, "160p")
    bus.run(tasks.shorten_deadline("b", 0, "160p", late_ms=4_000))
    off = Workbench(bus, bench.warm, bench.ffmpeg, "off", lambda: time.monotonic() + seconds)
    transcode(Order("b", 0, token, ("160p",)), off)
    assert len(published(bus, "b", "160p")) == 5


def test_connections_that_are_cut_cost_no_part(bus: Valkey, bus_url: str) -> None:
    workers = Valkey(f"{bus_url}?client_name=cut", connections=32, readers=32)
    cuts = 0
    with broadcasting(bus, Fleet(workers)):
        eventually(has(bus, 0, 1))
        while not has(bus, 2, 4)():
            cuts += cut(bus)
            time.sleep(0.3)
    workers.close()
    assert cuts > 10


def cut(bus: Valkey) -> int:
    """Cuts the connections of that name; answers how many there were."""
    listed = bus.run(Call(("CLIENT", "LIST"), lambda reply: reply.decode().splitlines()))
    mine = [line.split()[0].removeprefix("id=") for line in listed if " name=cut " in line]
    for number in mine:
        bus.run(Call(("CLIENT", "KILL", "ID", number), nothing))
    return len(mine)


def test_a_restarted_bus_has_the_ladder_again(session_folder: Path) -> None:
    """It forgets all; ingest goes on under a discontinuity, and so do the renditions that are wanted."""
    track, units = clip(seconds=5, size="640x480")
    fragile = FragileBus(session_folder)
    fragile.start()
    bus = Valkey(fragile.url)
    try:
        with Fleet(bus).at_work(), audience(bus):
            live = Broadcaster(bus, track)
            live.publish_live(units[:100]).join()
            eventually(has(bus, 1, 0))
            fragile.stop()
            fragile.start()
            live.acquire()
            live.describe()
            live.reconnect(after_ms=500)
            live.publish_live(units).join()
            live.end()
            assert_ends_like(bus, live)
        assert_whole(bus, live)
        assert {chunk.discontinuity for chunk in published(bus, "b", "160p")} == {1}
    finally:
        bus.close()
        fragile.stop()


class Poisoner(Broadcaster):
    """Its segment 1 has a chunk in the middle that no worker can read."""

    def append(self, chunk: Chunk) -> None:
        poisoned = (chunk.msn, chunk.part) == (1, 2)
        super().append(replace(chunk, data=b"poison") if poisoned else chunk)


def test_a_poisoned_segment_is_tried_on_two_devices_and_the_broadcast_goes_on(bus: Valkey) -> None:
    track, units = clip(seconds=7, size="640x480")
    fleet = Fleet(bus)
    with fleet.at_work(), audience(bus):
        live = Poisoner(bus, track)
        live.publish_live(units).join()
        live.end()
        assert_ends_like(bus, live)
    assert {device for device, asked in fleet.sent if asked.msn == 1} == set(NAMES)
    for rendition in RENDITIONS:
        chunks = published(bus, "b", rendition)
        assert_in_order(chunks, like=chunks)
        assert {chunk.msn for chunk in chunks if chunk.gap} == {1}
        assert [chunk.part for chunk in chunks if chunk.gap][-1] == 4
    assert {(each.msn, each.why) for each in bus.run(troubles.recent("b"))} == {(1, "poisoned")}


def test_parts_wait_while_the_bus_is_full(bus: Valkey, bench: Workbench) -> None:
    track, units = clip(seconds=5)
    live = Broadcaster(bus, track)
    live.publish(units[:30])
    with attempt(bus, bench) as ends:
        eventually(has(bus, 0, 0))
        bound = bus.run(Call(("CONFIG", "GET", "maxmemory"), list))[1]
        bus.run(Call(("CONFIG", "SET", "maxmemory", "1"), nothing))
        try:
            live.publish(units[30:])  # the source is always taken
            with pytest.raises(TimeoutError):
                ends.result(0.5)
        finally:
            bus.run(Call(("CONFIG", "SET", "maxmemory", bound), nothing))
        ends.result(10)
    assert [chunk.part for chunk in published(bus, "b", "160p")] == list(range(5))


def test_a_bus_that_lost_its_memory_ends_an_attempt_and_takes_the_next(bus: Valkey, bench: Workbench) -> None:
    track, units = clip(seconds=5)
    live = Broadcaster(bus, track)
    live.publish(units[:30])
    with attempt(bus, bench) as ends:
        eventually(has(bus, 0, 0))
        bus.run(Call(("FLUSHALL",), nothing))
        # What ingest does then: it goes on behind what it had, under a discontinuity.
        live.acquire()
        live.describe()
        live.reconnect(after_ms=1_000)
        live.publish(units)
        live.end()
        with pytest.raises(AttemptRefused):
            ends.result(10)
    assert published(bus, "b", "160p") == []
    eventually(lambda: all(encoder.ended for encoder in bench.warm.encoders))
    with attempt(bus, bench, 1) as ends:
        ends.result(10)
    assert [(chunk.msn, chunk.part) for chunk in published(bus, "b", "160p")] == [(1, part) for part in range(5)]


@contextmanager
def attempt(bus: Valkey, bench: Workbench, msn: int = 0) -> Iterator[Future[None]]:
    """An attempt at a segment on a thread."""
    token = order(bus, "b", msn, "160p")
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(transcode, Order("b", msn, token, ("160p",)), bench)
