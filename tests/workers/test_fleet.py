"""The whole way with real processes at the pace of the media: dispatchers, broker, workers, ffmpeg."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack

import pytest
from django.conf import settings

from streaming.bus import devices
from streaming.bus.redis import Valkey
from streaming.bus.view import observe
from tests.workers.audience import assert_ends_like, assert_whole, audience, has
from tests.workers.clips import clip
from tests.workers.fleet import command, dispatcher, eventually, worker
from tests.workers.live import Broadcaster, published
from workers.rollover import PATIENCE_SECONDS

pytestmark = pytest.mark.timeout(300)
"""Each starts several workers, one after the other, which takes its time on a machine with much to do."""


def holder(bus: Valkey) -> str:
    """The declared name of the device that has the newest segment."""
    found = bus.run(observe("b", segments=3)).tasks
    newest = found[max(found)]
    attempt = max(newest.attempts.values(), key=lambda each: each.ordered_ms)
    return attempt.device.removeprefix(f"{settings.HOST_NAME}.")


def test_stopped_and_killed_workers_and_a_lost_dispatcher_cost_no_part(bus: Valkey, state_url: str) -> None:
    """With workers whose clocks are 5 s off, too: all three come to carry the broadcast."""
    track, units = clip(seconds=16, size="640x480", bframes=2)
    with ExitStack() as stack:
        workers: dict[str, subprocess.Popen[bytes]] = {
            name: stack.enter_context(worker(bus, name, ahead=ahead))
            for name, ahead in (("cpu:0", 5), ("cpu:1", -5), ("cpu", 0))
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


def test_a_rolling_restart_costs_no_part_of_any_broadcast(bus: Valkey, state_url: str) -> None:
    """Of `manage.py workers`, which drains each device's worker, and waits for it to be back before the next."""
    track, units = clip(seconds=24, size="640x480", rate="15", gop=30)
    with ExitStack() as stack:
        running = stack.enter_context(command(bus, "cpu:0", "cpu:1"))
        stack.enter_context(dispatcher(bus))
        lives = [Broadcaster(bus, track, broadcast=name) for name in ("b", "c", "d")]
        threads = []
        for live in lives:  # their segments begin at different times
            threads.append(live.publish_live(units))
            eventually(lambda live=live: bool(live.chunks) and live.chunks[-1].part >= 1)  # type: ignore[misc]
        eventually(lambda: lives[0].last_msn >= 1)
        assert published(bus, "b", "160p") == []  # nobody watches yet
        over = lives[0].last_msn - 1
        stack.enter_context(audience(bus, *(live.broadcast for live in lives)))
        for live in lives:
            eventually(has(bus, 2, 1, live.broadcast))
        since = {live.broadcast: live.last_msn for live in lives}
        held: list[set[str]] = []
        running.process.send_signal(signal.SIGHUP)
        eventually(lambda: rolled_over(bus, running.instances, held), seconds=2 * PATIENCE_SECONDS)
        for live, thread in zip(lives, threads, strict=True):
            thread.join()
            live.end()
            assert_ends_like(bus, live)
    assert all(held)  # at any time there was a device that took tasks
    assert published(bus, "b", "160p")[0].msn >= over  # the segment that was over when somebody came
    for live in lives:
        assert_whole(bus, live, since=since[live.broadcast])


def rolled_over(bus: Valkey, before: dict[str, str], held: list[set[str]]) -> bool:
    """Whether each device is offered by another process than before; collects which are offered."""
    offered = {name: device.instance for name, device in bus.run(devices.alive()).items() if device.slots}
    held.append(set(offered))
    return offered.keys() == before.keys() and not set(offered.values()) & set(before.values())
