"""A standby's token: nobody's until it is promoted, once."""

from __future__ import annotations

import pytest

from streaming.bus import running, standby, tasks
from streaming.bus.epoch import epoch
from streaming.bus.errors import StaleToken
from streaming.bus.redis import Valkey
from tests.streaming.bus.chunks import chunk

B = "b1"
BOTH = ("480p", "160p")


@pytest.fixture
def bus(thread_bus: Valkey) -> Valkey:
    thread_bus.run(epoch())
    for rendition in BOTH:
        thread_bus.run(running.start(B, rendition, 0))
    return thread_bus


def ordered(bus: Valkey) -> tuple[str, str]:
    """The tokens of an attempt and of its standby, both claimed."""
    token = bus.run(tasks.order(B, 0, dict.fromkeys(BOTH, ""), device="one", late_ms=60_000))
    second = bus.run(standby.order(B, 0, BOTH, device="other"))
    assert token
    assert second
    assert not bus.run(tasks.claim(B, 0, token, BOTH, instance="i1")).standby
    assert bus.run(tasks.claim(B, 0, second, BOTH, instance="i2")).standby
    return token, second


def test_a_segment_has_one_standby_and_none_without_an_attempt(bus: Valkey) -> None:
    assert bus.run(standby.order(B, 0, BOTH, device="other")) is None
    ordered(bus)
    assert bus.run(standby.order(B, 0, BOTH, device="third")) is None


def test_a_standby_may_not_publish(bus: Valkey) -> None:
    _, second = ordered(bus)
    with pytest.raises(StaleToken):
        bus.run(tasks.publish_part(B, second, "480p", chunk(0, 0)))


def test_a_promoted_one_may_and_who_was_before_may_not(bus: Valkey) -> None:
    token, second = ordered(bus)
    bus.run(tasks.publish_part(B, token, "480p", chunk(0, 0)))
    assert bus.run(standby.promote(B, 0, second, dict.fromkeys(BOTH, token)))
    with pytest.raises(StaleToken):
        bus.run(tasks.publish_part(B, token, "480p", chunk(0, 1)))
    bus.run(tasks.publish_part(B, second, "480p", chunk(0, 1)))
    assert not bus.run(standby.promote(B, 0, second, {}))


def test_it_is_promoted_only_where_the_belief_holds(bus: Valkey) -> None:
    token, second = ordered(bus)
    third = bus.run(tasks.order(B, 0, {"160p": token}, device="third", late_ms=1))
    assert third
    assert not bus.run(standby.promote(B, 0, second, dict.fromkeys(BOTH, token)))
    assert bus.run(standby.promote(B, 0, second, {"480p": token, "160p": third}))


def test_what_a_standby_sees(bus: Valkey) -> None:
    token, second = ordered(bus)
    bus.run(tasks.publish_part(B, token, "480p", chunk(0, 0)))
    seen = bus.run(standby.watch(B, 0, second, BOTH))
    assert (seen.waiting, seen.promoted, seen.over) == (True, False, False)
    assert seen.progress["480p"] is not None
    assert seen.progress["160p"] is None
    bus.run(tasks.finish(B, 0, token, "160p"))
    bus.run(standby.promote(B, 0, second, {"480p": token}))
    seen = bus.run(standby.watch(B, 0, second, BOTH))
    assert not seen.waiting
    assert seen.mine == {"480p"}
    assert seen.done == {"160p"}


def test_it_is_over_when_all_is_done(bus: Valkey) -> None:
    token, second = ordered(bus)
    for rendition in BOTH:
        bus.run(tasks.finish(B, 0, token, rendition))
    assert bus.run(standby.watch(B, 0, second, BOTH)).over
