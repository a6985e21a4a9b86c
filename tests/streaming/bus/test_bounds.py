"""The bounds of a rendition on the bus, with small numbers in place of 90 s and 256 MiB."""

from __future__ import annotations

import asyncio

from streaming.bus import archive, publication, reading
from streaming.bus.layout import KEEP_BYTES, KEEP_HELD_MS, KEEP_MS, KEEP_SEGMENTS, Call, Script
from streaming.bus.redis import AsyncValkey
from streaming.media import SOURCE, Chunk
from tests.streaming.bus.chunks import chunk


def bounded(call: Call[None], name: str, value: int, by: int) -> Call[None]:
    assert call.script is not None
    text = call.script.text.replace(str(value), str(by))
    assert text != call.script.text, name
    return Call(arguments=call.arguments, parse=call.parse, script=Script(text), keys=call.keys)


async def kept(bus: AsyncValkey) -> list[tuple[int, int]]:
    found = await bus.run(reading.chunks("b", {SOURCE: b"0-0"}, block_ms=0, count=10_000))
    return [(chunk.msn, chunk.part) for _, chunk in found[SOURCE]]


def append(token: str, chunks: list[Chunk]) -> Call[None]:
    return publication.append("b", token, SOURCE, chunks, leading=True)


async def test_chunks_older_than_the_window_go(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    await bus.run(bounded(append(token, [chunk(0, 0, size=9_000)]), "KEEP_MS", KEEP_MS, 5))
    await asyncio.sleep(0.02)  # the bus's own clock has to pass the window
    await bus.run(bounded(append(token, [chunk(1, 0, size=9_000)]), "KEEP_MS", KEEP_MS, 5))
    assert await kept(bus) == [(1, 0)]


async def test_the_oldest_chunks_go_when_there_are_too_many_bytes(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    for msn in range(20):
        await bus.run(bounded(append(token, [chunk(msn, 0, size=1_000)]), "KEEP_BYTES", KEEP_BYTES, 5_500))
    assert await kept(bus) == [(msn, 0) for msn in range(15, 20)]


async def test_only_the_last_segments_are_indexed(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token
    for msn in range(KEEP_SEGMENTS + 5):
        await bus.run(append(token, [chunk(msn, 0)]))
    assert await bus.run(Call(("ZCARD", "{b}:index:source"), int)) == KEEP_SEGMENTS


async def test_what_the_archive_still_needs_stays_within_a_bound_of_its_own(bus: AsyncValkey) -> None:
    token = (await publication.take(bus, "b", ingest="one")).token

    async def aged(msn: int, name: str, value: int) -> None:
        await bus.run(bounded(append(token, [chunk(msn, 0, size=9_000)]), name, value, 5))
        await asyncio.sleep(0.02)

    await aged(0, "KEEP_MS", KEEP_MS)
    await bus.run(archive.hold("b", 0))
    await aged(1, "KEEP_MS", KEEP_MS)
    assert await kept(bus) == [(0, 0), (1, 0)]
    second = await bus.run(archive.appended_ms("b", SOURCE, 1))
    assert second is not None
    await bus.run(archive.hold("b", second))
    await bus.run(archive.hold("b", 0))  # a late one changes nothing
    await aged(2, "KEEP_MS", KEEP_MS)
    assert await kept(bus) == [(1, 0), (2, 0)]
    await aged(3, "KEEP_HELD_MS", KEEP_HELD_MS)
    assert (1, 0) not in await kept(bus)
