"""GAP on a real bus."""

from __future__ import annotations

import itertools

import pytest

from streaming.bus import tasks
from streaming.bus.redis import Valkey
from streaming.bus.view import observe
from streaming.media import Closes
from tests.workers.clips import clip
from tests.workers.live import Broadcaster, assert_in_order, order, published
from workers.dispatcher.commands import FillGap
from workers.dispatcher.gap import fill_gap
from workers.dispatcher.judgement import Loss
from workers.transcode import Order, Workbench, transcode


@pytest.fixture
def live(bus: Valkey, bench: Workbench) -> Broadcaster:
    """160p has segment 0."""
    track, units = clip(seconds=6, bframes=2)
    live = Broadcaster(bus, track)
    live.publish(units)
    live.end()
    token = order(bus, "b", 0, "160p")
    transcode(Order("b", 0, token, ("160p",)), bench)
    return live


def gap(msn: int, expected: str, *, closed: bool = True) -> FillGap:
    return FillGap("b", msn, "160p", expected, closed=closed, why=Loss.TOO_LATE)


def test_a_whole_segment(bus: Valkey, live: Broadcaster) -> None:
    assert fill_gap(bus, gap(1, "")) == 5
    chunks = published(bus, "b", "160p")
    assert_in_order([chunk for chunk in chunks if not chunk.gap])
    gaps = [chunk for chunk in chunks if chunk.gap]
    assert [(chunk.msn, chunk.part, chunk.data) for chunk in gaps] == [(1, part, b"") for part in range(5)]
    assert gaps[-1].closes is Closes.SEGMENT
    source = [chunk for chunk in live.chunks if chunk.msn == 1]
    assert gaps[0].dts == source[0].dts
    assert gaps[0].wall_ms == source[0].wall_ms
    assert gaps[-1].dts + gaps[-1].duration == source[-1].dts + source[-1].duration
    assert {chunk.init for chunk in chunks} == {chunks[0].init}


def test_the_rest_of_a_segment_and_then_media_again(bus: Valkey, bench: Workbench, live: Broadcaster) -> None:
    token = order(bus, "b", 1, "160p")
    donor = Broadcaster(bus, live.track, broadcast="donor")
    donor.publish(live.units)
    donor.end()
    transcode(Order("donor", 1, order(bus, "donor", 1, "160p"), ("160p",)), bench)
    for chunk in published(bus, "donor", "160p")[:2]:
        bus.run(tasks.publish_part("b", token, "160p", chunk))
    assert fill_gap(bus, gap(1, token)) == 3
    transcode(Order("b", 2, order(bus, "b", 2, "160p"), ("160p",)), bench)
    chunks = published(bus, "b", "160p")
    assert [chunk.gap for chunk in chunks if chunk.msn == 1] == [False, False, True, True, True]
    for before, after in itertools.pairwise(chunks):
        assert after.dts == before.dts + before.duration


def test_an_open_segment_becomes_a_gap_part_by_part(bus: Valkey, bench: Workbench) -> None:
    track, units = clip(seconds=6)
    live = Broadcaster(bus, track)
    live.publish(units[:66])
    transcode(Order("b", 0, order(bus, "b", 0, "160p"), ("160p",)), bench)
    assert fill_gap(bus, gap(1, "", closed=False)) == 0
    live.publish(units[66:75])
    assert fill_gap(bus, gap(1, "", closed=False)) == 1
    live.publish(units[75:])
    assert fill_gap(bus, gap(1, bus.run(observe("b", segments=1)).tasks[1].tokens["160p"])) == 4
    chunks = published(bus, "b", "160p")
    assert_in_order(chunks, like=chunks)
    assert [(chunk.part, chunk.closes) for chunk in chunks if chunk.gap] == [
        *((part, Closes.PART) for part in range(4)),
        (4, Closes.SEGMENT),
    ]


def test_of_two_who_see_the_gap_one_fills_it(bus: Valkey, live: Broadcaster) -> None:
    assert live.last_msn >= 1
    assert fill_gap(bus, gap(1, "")) == 5
    assert fill_gap(bus, gap(1, "")) is None


def test_a_segment_that_is_gone_holds_nobody_up(bus: Valkey, live: Broadcaster) -> None:
    assert live.last_msn < 9
    assert fill_gap(bus, gap(9, "")) == 0
