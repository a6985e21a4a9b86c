"""The fence of segment tasks: one newest token a rendition, parts in order, nothing past the deadline."""

from __future__ import annotations

import pytest

from streaming.bus import running, tasks
from streaming.bus.epoch import epoch
from streaming.bus.errors import AlreadyClaimed, BusForgot, DeadlinePassed, OutOfOrder, StaleToken, TooEarly
from streaming.bus.events import SegmentFailed, newest_id, read_events
from streaming.bus.publication import acquire, append
from streaming.bus.reading import progress
from streaming.bus.redis import Valkey
from streaming.bus.view import Task, observe
from tests.streaming.bus.chunks import chunk, segment

B = "b1"


@pytest.fixture
def bus(thread_bus: Valkey) -> Valkey:
    thread_bus.run(epoch())
    thread_bus.run(running.start(B, "480p", 0))
    return thread_bus


def ordered(bus: Valkey, msn: int = 0, expected: dict[str, str] | None = None, late_ms: int = 60_000) -> str:
    token = bus.run(tasks.order(B, msn, expected or {"480p": ""}, device="d1", late_ms=late_ms))
    assert token
    return token


def test_an_order_gives_a_token_of_the_bus_epoch(bus: Valkey) -> None:
    assert ordered(bus) == f"{bus.run(epoch())}:1"


def test_of_two_orders_with_the_same_belief_one_wins(bus: Valkey) -> None:
    first = ordered(bus)
    assert bus.run(tasks.order(B, 0, {"480p": ""}, device="d2", late_ms=1)) is None
    assert bus.run(tasks.order(B, 0, {"480p": first}, device="d2", late_ms=1)) == first[:-1] + "2"


def test_nothing_is_ordered_on_a_bus_without_epoch(thread_bus: Valkey) -> None:
    assert thread_bus.run(tasks.order(B, 0, {"480p": ""}, device="d1", late_ms=1)) is None


def test_a_claim_tells_how_far_each_rendition_has_come(bus: Valkey) -> None:
    first = ordered(bus)
    bus.run(tasks.claim(B, 0, first, ["480p"], instance="i1"))
    bus.run(tasks.publish_part(B, first, "480p", chunk(0, 0)))
    second = ordered(bus, expected={"480p": first, "160p": ""})
    claim = bus.run(tasks.claim(B, 0, second, ["480p", "160p"], instance="i2"))
    assert 59_000 < claim.remaining_ms <= 60_000
    assert claim.progress["480p"] is not None
    assert (claim.progress["480p"].msn, claim.progress["480p"].part) == (0, 0)
    assert claim.progress["160p"] is None


def test_a_claim_leaves_out_what_was_ordered_anew_or_is_done(bus: Valkey) -> None:
    bus.run(running.start(B, "360p", 0))
    token = ordered(bus, expected={"480p": "", "360p": "", "160p": ""})
    ordered(bus, expected={"160p": token})
    for part in segment(0):
        bus.run(tasks.publish_part(B, token, "360p", part))
    assert set(bus.run(tasks.claim(B, 0, token, ["480p", "360p", "160p"], instance="i")).progress) == {"480p"}


def test_an_attempt_is_claimed_once(bus: Valkey) -> None:
    token = ordered(bus)
    bus.run(tasks.claim(B, 0, token, ["480p"], instance="i1"))
    with pytest.raises(AlreadyClaimed) as refusal:
        bus.run(tasks.claim(B, 0, token, ["480p"], instance="i2"))
    assert refusal.value.instance == "i1"


def test_an_old_token_is_refused(bus: Valkey) -> None:
    old = ordered(bus)
    newest = ordered(bus, expected={"480p": old})
    with pytest.raises(StaleToken) as refusal:
        bus.run(tasks.publish_part(B, old, "480p", chunk(0, 0)))
    assert refusal.value.newest == newest
    with pytest.raises(StaleToken):
        bus.run(tasks.claim(B, 0, old, ["480p"], instance="i"))
    assert bus.run(progress(B)) == {}


def test_a_bus_without_memory_refuses_every_token(bus: Valkey) -> None:
    with pytest.raises(BusForgot):
        bus.run(tasks.publish_part(B, "x:1", "480p", chunk(0, 0)))
    with pytest.raises(BusForgot):
        bus.run(tasks.claim(B, 0, "x:1", ["480p"], instance="i"))


def test_past_the_deadline_only_gaps_are_published(bus: Valkey) -> None:
    token = ordered(bus, late_ms=0)
    with pytest.raises(DeadlinePassed):
        bus.run(tasks.publish_part(B, token, "480p", chunk(0, 0)))
    with pytest.raises(DeadlinePassed):
        bus.run(tasks.claim(B, 0, token, ["480p"], instance="i"))
    bus.run(tasks.publish_part(B, token, "480p", chunk(0, 0, gap=True)))


def test_what_is_left_of_an_attempt_s_time(bus: Valkey) -> None:
    token = ordered(bus, expected={"480p": "", "160p": ""})
    both = ["480p", "160p"]
    bus.run(tasks.shorten_deadline(B, 0, "480p", late_ms=1_000))
    assert 59_000 < (bus.run(tasks.remaining(B, 0, token, both)) or 0) <= 60_000
    bus.run(tasks.finish(B, 0, token, "160p"))
    assert 0 < (bus.run(tasks.remaining(B, 0, token, both)) or 0) <= 1_000
    ordered(bus, expected={"480p": token})
    assert bus.run(tasks.remaining(B, 0, token, both)) is None
    assert bus.run(tasks.remaining(B, 9, token, both)) is None


def test_a_deadline_is_only_ever_brought_forward(bus: Valkey) -> None:
    ordered(bus, late_ms=5_000)
    assert not bus.run(tasks.shorten_deadline(B, 0, "480p", late_ms=9_000))
    assert bus.run(tasks.shorten_deadline(B, 0, "480p", late_ms=1_000))
    ordered(bus, expected={"160p": ""}, late_ms=9_000)
    deadlines = _task(bus, 0).deadlines
    assert 7_500 < deadlines["160p"] - deadlines["480p"] < 8_500


@pytest.mark.parametrize("wrong", [chunk(0, 1), chunk(0, 3)])
def test_a_part_that_is_not_next_is_refused(bus: Valkey, wrong: object) -> None:
    token = ordered(bus)
    bus.run(tasks.publish_part(B, token, "480p", chunk(0, 0)))
    bus.run(tasks.publish_part(B, token, "480p", chunk(0, 1)))
    with pytest.raises(OutOfOrder):
        bus.run(tasks.publish_part(B, token, "480p", wrong))  # type: ignore[arg-type]


def test_nothing_follows_a_segments_last_part(bus: Valkey) -> None:
    token = ordered(bus)
    for part in segment(0):
        bus.run(tasks.publish_part(B, token, "480p", part))
    with pytest.raises(OutOfOrder):
        bus.run(tasks.publish_part(B, token, "480p", chunk(0, 5)))


def test_a_segment_waits_for_the_one_before(bus: Valkey) -> None:
    first, second = ordered(bus, 0), ordered(bus, 1)
    for part in segment(0)[:-1]:
        bus.run(tasks.publish_part(B, first, "480p", part))
    with pytest.raises(TooEarly):
        bus.run(tasks.publish_part(B, second, "480p", chunk(1, 0)))
    bus.run(tasks.publish_part(B, first, "480p", chunk(0, 4)))
    bus.run(tasks.publish_part(B, second, "480p", chunk(1, 0)))


def test_a_rendition_starts_where_it_runs_from(bus: Valkey) -> None:
    token = ordered(bus, 7)
    with pytest.raises(TooEarly):
        bus.run(tasks.publish_part(B, token, "480p", chunk(7, 0)))
    assert bus.run(running.start_later(B, "480p", than=0, msn=7))
    bus.run(tasks.publish_part(B, token, "480p", chunk(7, 0)))


def test_a_view_shows_attempts_and_what_became_of_them(bus: Valkey) -> None:
    _source(bus, 3)
    first = ordered(bus, 3)
    bus.run(tasks.claim(B, 3, first, ["480p"], instance="i1"))
    before = bus.run(newest_id())
    assert bus.run(tasks.fail(B, 3, first, "ffmpeg crashed", crashed=True))
    assert [event for _, event in bus.run(read_events(before, block_ms=10))] == [SegmentFailed(B, 3)]
    second = ordered(bus, 3, {"480p": first})
    view = bus.run(observe(B, segments=4))
    task = view.tasks[3]
    assert (view.running, task.tokens, task.done) == ({"480p": 0}, {"480p": second}, frozenset())
    assert (task.attempts[first].failed, task.attempts[first].crashed) == ("ffmpeg crashed", True)
    assert task.attempts[first].claimed_ms is not None
    assert task.attempts[second].claimed_ms is None
    assert view.progress["source"].msn == 3


def test_stopping_a_rendition_loses_to_whoever_wants_it_meanwhile(bus: Valkey) -> None:
    assert not bus.run(running.stop(B, "480p", last_wanted_ms=5))
    assert bus.run(running.stop(B, "480p", last_wanted_ms=None))
    assert bus.run(running.start(B, "480p", 9))
    assert not bus.run(running.start(B, "480p", 10))


def _source(bus: Valkey, msn: int) -> None:
    token = bus.run(acquire(B, in_epoch="e", ingest="i")).token
    bus.run(append(B, token, "source", [chunk(msn, 0)], leading=True))


def _task(bus: Valkey, msn: int) -> Task:
    _source(bus, msn)
    return bus.run(observe(B, segments=1)).tasks[msn]
