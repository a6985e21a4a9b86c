"""Hot standby, in process: it takes over with the first unpublished part, and by the encoder that it has."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings

from streaming.bus import standby, tasks
from streaming.bus.redis import Valkey
from streaming.bus.view import observe
from tests.workers.audience import assert_ends_like, assert_whole, audience, has
from tests.workers.clips import clip
from tests.workers.fleet import eventually
from tests.workers.live import Broadcaster, Frames, assert_in_order, order, published
from tests.workers.threads import NAMES, Fleet
from workers.encoder import DORMANT_MS, TICKS_PER_MS
from workers.transcode import Order, Workbench, transcode
from workers.warm import WarmEncoders

RENDITIONS = ("360p", "160p")
QUIET_AV1 = ("-preset", "12", "-svtav1-params", "lookahead=0")


@pytest.fixture
def second(bus: Valkey) -> Iterator[Workbench]:
    """Another device's bench."""
    warm = WarmEncoders(time.monotonic)
    yield Workbench(bus, warm, settings.FFMPEG, instance="second", clock=time.monotonic)
    warm.close()


def stands_by(bus: Valkey, bench: Workbench, msn: int, pool: ThreadPoolExecutor) -> tuple[str, Future[None]]:
    token = bus.run(standby.order("b", msn, RENDITIONS, device="second"))
    assert token
    return token, pool.submit(transcode, Order("b", msn, token, RENDITIONS), bench)


@pytest.fixture
def threads(bench: Workbench, second: Workbench) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made
        bench.warm.close()
        second.warm.close()


@pytest.mark.parametrize(
    "made",
    [
        {"bframes": 0},
        {"bframes": 2},
        {"codec": "libsvtav1", "options": QUIET_AV1},
        {"rate": "60", "gop": 120},
    ],
    ids=["", "B-frames", "AV1", "half the rate"],
)
def test_a_promoted_standby_goes_on_with_its_own_encoder(
    bus: Valkey, bench: Workbench, second: Workbench, threads: ThreadPoolExecutor, made: dict[str, Any]
) -> None:
    track, units = clip(size="640x480", seconds=7, **made)
    every = 2 if "rate" in made else 1
    # Enough for a segment's first part of 0.4 s, and too little for its second.
    begun = 18 * every
    at = [number for number, unit in enumerate(units) if unit.sync]
    live = Broadcaster(bus, track)
    # Segment 0: the standby decodes along, and is not needed.
    live.publish(units[: at[0] + begun])
    first = order(bus, "b", 0, *RENDITIONS)
    done = threads.submit(transcode, Order("b", 0, first, RENDITIONS), bench)
    _, waited = stands_by(bus, second, 0, threads)
    live.publish(units[at[0] + begun : at[1] + begun])
    done.result(20)
    waited.result(20)
    [dormant] = second.warm.encoders
    # Segment 1: whoever has it stops in the middle.
    lost = order(bus, "b", 1, *RENDITIONS)
    stopped = threads.submit(transcode, Order("b", 1, lost, RENDITIONS), bench)
    token, promoted = stands_by(bus, second, 1, threads)
    eventually(begins(bus, 1))
    for encoder in bench.warm.encoders:
        os.kill(encoder.pid, signal.SIGSTOP)
    live.publish(units[at[1] + begun : at[2] + begun])
    assert bus.run(standby.promote("b", 1, token, dict.fromkeys(RENDITIONS, lost)))
    promoted.result(20)
    assert second.warm.encoders == {dormant}
    # Segment 2 is an ordinary one on the device that took over.
    live.publish(units[at[2] + begun :])
    live.end()
    bench.warm.close()
    assert stopped.exception(20) is not None
    for msn in range(2, live.last_msn + 1):
        transcode(Order("b", msn, order(bus, "b", msn, *RENDITIONS), RENDITIONS), second)
    assert second.warm.encoders <= {dormant}
    for rendition in RENDITIONS:
        chunks = published(bus, "b", rendition)
        assert_in_order(chunks)
        assert Frames.of(chunks).shown == Frames.of(live.chunks).shown[::every]
        assert [chunk.part for chunk in chunks if chunk.msn == 1 and chunk.independent] == [0, 1]


def begins(bus: Valkey, msn: int) -> Callable[[], bool]:
    """Whether both renditions have the segment's first part."""

    def check() -> bool:
        found = bus.run(observe("b", segments=2)).progress
        return all(name in found and (found[name].msn, found[name].part) == (msn, 0) for name in RENDITIONS)

    return check


def test_renditions_that_stand_apart_each_get_an_encoder_of_their_own_beginning(
    bus: Valkey, bench: Workbench, second: Workbench, threads: ThreadPoolExecutor
) -> None:
    track, units = clip(size="640x480", seconds=5)
    live = Broadcaster(bus, track)
    live.publish(units)
    live.end()
    donor = Broadcaster(bus, track, broadcast="donor")
    donor.publish(units)
    donor.end()
    transcode(Order("donor", 0, order(bus, "donor", 0, *RENDITIONS), RENDITIONS), bench)
    lost = order(bus, "b", 0, *RENDITIONS)
    bus.run(tasks.claim("b", 0, lost, RENDITIONS, instance="dead"))
    for rendition, parts in (("360p", 3), ("160p", 2)):
        for chunk in published(bus, "donor", rendition)[:parts]:
            bus.run(tasks.publish_part("b", lost, rendition, chunk))
    token, promoted = stands_by(bus, second, 0, threads)
    eventually(lambda: second.warm.encoders)
    assert bus.run(standby.promote("b", 0, token, dict.fromkeys(RENDITIONS, lost)))
    promoted.result(20)
    for rendition in RENDITIONS:
        chunks = published(bus, "b", rendition)
        assert_in_order(chunks)
        assert [chunk.part for chunk in chunks] == list(range(5))


def test_a_partner_s_broadcast_goes_on_when_its_encoder_stops(bus: Valkey) -> None:
    track, units = clip(seconds=7, size="640x480", bframes=2)
    fleet = Fleet(bus)
    with fleet.at_work(), audience(bus):
        live = Broadcaster(bus, track, partner=True)
        thread = live.publish_live(units)
        eventually(has(bus, 1, 2))
        # On a machine with much to do one may have been promoted before.
        msn, device = eventually(lambda: guarded(bus))[0]
        for encoder in fleet.benches[device].warm.encoders:
            with suppress(ProcessLookupError):
                os.kill(encoder.pid, signal.SIGSTOP)
        # The segment may have been done just before the blow: then it meets the next.
        assert eventually(lambda: promoted(bus, msn)) == {name for name in NAMES if name != device}
        thread.join()
        live.end()
        assert_ends_like(bus, live)
    assert_whole(bus, live)


def guarded(bus: Valkey) -> list[tuple[int, str]]:
    """The newest segment and the device at work on it, if another stands by there."""
    msn, task = max(bus.run(observe("b", segments=1)).tasks.items())
    second = task.attempts.get(task.second)
    if second is None or not second.standby or second.claimed_ms is None:
        return []
    return [(msn, device) for device in {task.attempts[token].device for token in task.tokens.values()}]


def promoted(bus: Valkey, from_msn: int) -> set[str]:
    """The devices whose standby has a segment by now, this one or a later."""
    seen = bus.run(observe("b", segments=3)).tasks
    later = [task for msn, task in seen.items() if msn >= from_msn]
    return {task.attempts[token].device for task in later for token in task.tokens.values() if token == task.second}


def test_a_standby_is_not_kept_beyond_its_clock(bus: Valkey, second: Workbench, threads: ThreadPoolExecutor) -> None:
    track, units = clip(size="640x480", seconds=3)
    live = Broadcaster(bus, track)
    live.publish(units)
    lost = order(bus, "b", 0, *RENDITIONS)
    _, waited = stands_by(bus, second, 0, threads)
    eventually(lambda: second.warm.encoders)
    [encoder] = second.warm.encoders
    for rendition in RENDITIONS:
        bus.run(tasks.finish("b", 0, lost, rendition))
    live.end()
    waited.result(20)
    assert encoder.may_sleep_at(0)
    assert not encoder.may_sleep_at(DORMANT_MS * TICKS_PER_MS)
