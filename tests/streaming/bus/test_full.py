"""The bus at its memory bound: source goes on, what a broadcast lives by too, renditions make room for themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streaming.bus import demand, devices, events, publication, reading, running, tasks
from streaming.bus.errors import BusFull
from streaming.bus.layout import KEEP_LEAST_MS, Call, Script, nothing
from streaming.bus.redis import AsyncValkey
from streaming.media import SOURCE, BroadcastState, Description
from tests.streaming.bus.chunks import chunk


@pytest.fixture
async def fill(bus: AsyncValkey) -> AsyncIterator[Call[None]]:
    """The call that brings the bus to its bound, until the test ends."""
    bound = (await bus.run(Call(("CONFIG", "GET", "maxmemory"), list)))[1]
    yield Call(("CONFIG", "SET", "maxmemory", "1"), nothing)
    await bus.run(Call(("CONFIG", "SET", "maxmemory", bound), nothing))


def much_later(call: Call[None]) -> Call[None]:
    """As if all that is there were older than what is kept at the bound."""
    assert call.script is not None
    text = call.script.text.replace(str(KEEP_LEAST_MS), "-60000")
    assert text != call.script.text
    return Call(arguments=call.arguments, parse=call.parse, script=Script(text), keys=call.keys)


async def kept(bus: AsyncValkey, rendition: str) -> list[tuple[int, int]]:
    found = await bus.run(reading.chunks("b", {rendition: b"0-0"}, block_ms=0, count=100))
    return [(chunk.msn, chunk.part) for _, chunk in found.get(rendition, [])]


async def rung(bus: AsyncValkey) -> str:
    """The token of a segment task that has published its first part."""
    await publication.take(bus, "b", ingest="one")
    await bus.run(running.start("b", "480p", 0))
    token = await bus.run(tasks.order("b", 0, {"480p": ""}, device="cpu", late_ms=60_000))
    assert token is not None
    await bus.run(tasks.publish_part("b", token, "480p", chunk(0, 0)))
    return token


async def test_source_goes_on(bus: AsyncValkey, fill: Call[None]) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await bus.run(fill)
    for msn in range(3):
        await bus.run(publication.append("b", token, SOURCE, [chunk(msn, 0), chunk(msn, 1)], leading=True))
    assert await kept(bus, SOURCE) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]


async def test_source_is_kept_for_less_long(bus: AsyncValkey, fill: Call[None]) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await bus.run(publication.append("b", token, SOURCE, [chunk(0, 0), chunk(0, 1)], leading=True))
    await bus.run(fill)
    await bus.run(much_later(publication.append("b", token, SOURCE, [chunk(0, 2)], leading=True)))
    assert await kept(bus, SOURCE) == [(0, 2)]


async def test_a_rendition_makes_room_for_itself(bus: AsyncValkey, fill: Call[None]) -> None:
    token = await rung(bus)
    await bus.run(fill)
    await bus.run(much_later(tasks.publish_part("b", token, "480p", chunk(0, 1))))
    assert await kept(bus, "480p") == [(0, 1)]


async def test_a_rendition_that_cannot_is_refused(bus: AsyncValkey, fill: Call[None]) -> None:
    token = await rung(bus)
    await bus.run(fill)
    with pytest.raises(BusFull):
        await bus.run(tasks.publish_part("b", token, "480p", chunk(0, 1)))
    assert await kept(bus, "480p") == [(0, 0)]
    await bus.run(tasks.publish_part("b", token, "480p", chunk(0, 1, gap=True)))
    assert await kept(bus, "480p") == [(0, 0), (0, 1)]


async def test_what_a_broadcast_lives_by_goes_on(bus: AsyncValkey, fill: Call[None]) -> None:
    await bus.run(fill)
    token = (await publication.take(bus, "b", ingest="one")).token
    task = await bus.run(tasks.order("b", 0, {"480p": ""}, device="cpu", late_ms=60_000))
    assert task is not None
    calls: list[Call[object]] = [
        publication.put_init("b", SOURCE, b"init", number=0),
        publication.describe(Description("b", BroadcastState.LIVE, 2, 400, ()), token),
        publication.renew("b", token),
        publication.publish_health("b", "{}"),
        events.publish(events.BroadcastStarted("b")),
        demand.want("b", "480p"),
        running.start("b", "480p", 0),
        running.stop("b", "480p", last_wanted_ms=None),
        devices.renew(devices.Device("cpu", "host", "instance", 1, devices.DeviceKind.CPU, 1)),
        tasks.claim("b", 0, task, ["480p"], instance="instance"),
        tasks.shorten_deadline("b", 0, "480p", late_ms=1_000),
        tasks.fail("b", 0, task, "why"),
        tasks.finish("b", 0, task, "480p"),
        publication.release("b", token),
        publication.end("b"),
    ]
    for call in calls:
        await bus.run(call)
    assert await bus.run(reading.health("b")) == b"{}"


async def test_how_full_it_is(bus: AsyncValkey, fill: Call[None]) -> None:
    assert 0 < await bus.run(reading.fullness()) < 1
    await bus.run(fill)
    assert await bus.run(reading.fullness()) > 1
    await bus.run(Call(("CONFIG", "SET", "maxmemory", "0"), nothing))
    assert await bus.run(reading.fullness()) == 0
