from __future__ import annotations

import asyncio

import pytest

from streaming.bus import events
from streaming.bus.demand import REACH, want
from streaming.bus.layout import Call, nothing
from streaming.bus.redis import AsyncValkey
from streaming.bus.view import observe

ALL: list[events.Event] = [
    events.BroadcastStarted("b"),
    events.BroadcastReconnecting("b"),
    events.BroadcastResumed("b"),
    events.BroadcastHasEnded("b"),
    events.SegmentOpened("b", 3, 540_000, 1_700_000_000_000),
    events.RenditionWanted("b", "480p"),
]


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.kind)
async def test_an_event_comes_back_as_it_was(bus: AsyncValkey, event: events.Event) -> None:
    await bus.run(events.publish(event))
    [(_, found)] = await bus.run(events.read_events(b"0-0", block_ms=1))
    assert found == event


async def test_an_event_of_a_newer_version_is_none(bus: AsyncValkey) -> None:
    await bus.run(Call(("XADD", "events", "*", "e", '{"kind":"new","x":1}'), nothing))
    [(_, found)] = await bus.run(events.read_events(b"0-0", block_ms=1))
    assert found is None


async def test_a_reader_from_the_newest_id_gets_what_comes_next(bus: AsyncValkey) -> None:
    assert await bus.run(events.newest_id()) == b"0-0"
    await bus.run(events.publish(ALL[0]))
    newest = await bus.run(events.newest_id())
    waiting = asyncio.create_task(bus.run(events.read_events(newest, block_ms=1_000)))
    await bus.run(events.publish(ALL[1]))
    assert [event for _, event in await waiting] == [ALL[1]]


async def test_no_event_is_an_empty_list(bus: AsyncValkey) -> None:
    assert await bus.run(events.read_events(b"0-0", block_ms=1)) == []


async def test_an_idle_rendition_is_called_for_once_a_second(bus: AsyncValkey) -> None:
    assert [await bus.run(want("b", "480p")) for _ in range(3)] == [None] * 3
    found = await bus.run(events.read_events(b"0-0", block_ms=1))
    assert [event for _, event in found] == [events.RenditionWanted("b", "480p")]
    demand = (await bus.run(observe("b", segments=0))).wanted
    assert "480p" in demand


async def test_a_running_rendition_is_not_called_for(bus: AsyncValkey) -> None:
    await bus.run(Call(("HSET", "{b}:running", "480p", 12), nothing))
    assert await bus.run(want("b", "480p")) == 12
    assert await bus.run(events.read_events(b"0-0", block_ms=1)) == []
    demand = (await bus.run(observe("b", segments=0))).wanted
    assert "480p" in demand


async def test_who_is_furthest_behind_says_where_an_idle_rendition_begins_unless_that_is_long_ago(
    bus: AsyncValkey,
) -> None:
    for asked, kept in ((10, 10), (8, 8), (12, 8), (8 + REACH, 8), (9 + REACH, 9 + REACH)):
        await bus.run(want("b", "480p", since=asked))
        assert (await bus.run(observe("b", segments=0))).since == {"480p": kept}
