from __future__ import annotations

import threading

import pytest

from streaming.bus import publication, reading
from streaming.bus.epoch import epoch
from streaming.bus.errors import SegmentGone
from streaming.bus.layout import Call, nothing
from streaming.bus.redis import Valkey
from streaming.media import AUDIO, SOURCE, Chunk
from tests.streaming.bus.chunks import chunk, segment


@pytest.fixture
def token(thread_bus: Valkey) -> str:
    call = publication.acquire("b", in_epoch=thread_bus.run(epoch()), ingest="one")
    return thread_bus.run(call).token


def put(bus: Valkey, token: str, chunks: list[Chunk]) -> None:
    bus.run(publication.append("b", token, SOURCE, chunks, leading=True))


def test_a_task_that_starts_late_finds_its_segment_from_the_start(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, [*segment(3), *segment(4), *segment(5)])
    chunks = reading.follow(thread_bus, "b", SOURCE, 4, stop=lambda: False)
    assert [next(chunks) for _ in range(10)] == [*segment(4), *segment(5)]


def test_a_task_that_starts_early_waits(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, [chunk(3, 0)])
    chunks = reading.follow(thread_bus, "b", SOURCE, 4, stop=lambda: False)
    assert next(chunks) is None
    writer = threading.Thread(target=put, args=(thread_bus, token, [chunk(3, 1), *segment(4)]))
    writer.start()
    assert next(found for found in chunks if found) == chunk(4, 0)
    writer.join()


def test_a_broadcast_without_any_chunk_is_waited_for(thread_bus: Valkey, token: str) -> None:
    chunks = reading.follow(thread_bus, "b", SOURCE, 0, stop=lambda: False)
    assert next(chunks) is None
    put(thread_bus, token, segment(0))
    assert next(chunks) == chunk(0, 0)


def test_following_stops_when_told(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, segment(0))
    stopped = threading.Event()
    chunks = reading.follow(thread_bus, "b", SOURCE, 0, stop=stopped.is_set)
    next(chunks)
    stopped.set()
    assert list(chunks) == []


def test_a_segment_below_the_index_is_gone(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, segment(7))
    with pytest.raises(SegmentGone) as gone:
        next(reading.follow(thread_bus, "b", SOURCE, 5, stop=lambda: False))
    assert gone.value.found == 7


def test_a_segment_whose_chunks_were_trimmed_is_gone(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, [*segment(5), *segment(6)])
    thread_bus.run(Call(("XTRIM", "{b}:chunks:source", "MAXLEN", 6), nothing))
    with pytest.raises(SegmentGone) as gone:
        next(reading.follow(thread_bus, "b", SOURCE, 5, stop=lambda: False))
    assert gone.value.found == 5


def test_several_renditions_are_read_at_once(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, segment(0))
    thread_bus.run(publication.append("b", token, AUDIO, [chunk(0, 0)], leading=False))
    found = thread_bus.run(reading.chunks("b", {SOURCE: b"0-0", AUDIO: b"0-0"}, block_ms=10))
    assert {name: len(entries) for name, entries in found.items()} == {SOURCE: 5, AUDIO: 1}


def test_a_range_has_both_its_ends(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, segment(0))
    entries = thread_bus.run(reading.chunks("b", {SOURCE: b"0-0"}, block_ms=0))[SOURCE]
    assert thread_bus.run(reading.chunks_between("b", SOURCE, entries[1][0], entries[3][0])) == entries[1:4]


def test_a_broadcast_the_bus_does_not_know_has_no_description(thread_bus: Valkey) -> None:
    assert thread_bus.run(reading.description("nobody")) is None


def test_headers_tell_what_is_there_from_a_segment_on(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, [*segment(0), *segment(1), *segment(2)])
    found = thread_bus.run(reading.headers("b", SOURCE, span_ms=60_000, from_msn=1))
    assert [(chunk.msn, chunk.part, size) for _, chunk, size in found] == [
        (msn, part, len(f"<{msn}.{part}>")) for msn in (1, 2) for part in range(5)
    ]
    assert all(chunk.data == b"" for _, chunk, _ in found)


def test_headers_reach_back_no_further_than_they_must(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, segment(0))
    put(thread_bus, token, [*segment(1), chunk(2, 0)])
    [(_, only, _)] = thread_bus.run(reading.headers("b", SOURCE, span_ms=0))
    assert (only.msn, only.part) == (2, 0)


def test_headers_begin_with_a_segment_that_is_whole_on_the_bus(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, segment(0))
    wait_for_next_ms(thread_bus)
    put(thread_bus, token, [chunk(1, 0)])
    wait_for_next_ms(thread_bus)
    put(thread_bus, token, [chunk(1, 1), *segment(2)])
    thread_bus.run(Call(("XTRIM", "{b}:chunks:source", "MAXLEN", 6), nothing))
    found = thread_bus.run(reading.headers("b", SOURCE, span_ms=60_000))
    assert [(chunk.msn, chunk.part) for _, chunk, _ in found] == [(2, part) for part in range(5)]


def test_headers_of_nothing_are_none(thread_bus: Valkey) -> None:
    assert thread_bus.run(reading.headers("b", SOURCE, span_ms=60_000)) == []


def wait_for_next_ms(bus: Valkey) -> None:
    start = bus.run(reading.now_ms())
    while bus.run(reading.now_ms()) == start:
        pass


def test_the_bounds_of_a_segment(thread_bus: Valkey, token: str) -> None:
    put(thread_bus, token, segment(0))
    put(thread_bus, token, segment(1)[:2])
    closed = thread_bus.run(reading.bounds("b", SOURCE, 0))
    assert [(each.msn, each.part) for each in (closed.first, closed.newest)] == [(0, 0), (0, 4)]
    assert closed.following is not None
    assert (closed.following.msn, closed.following.part) == (1, 0)
    begun = thread_bus.run(reading.bounds("b", SOURCE, 1))
    assert (begun.first.part, begun.newest.part, begun.following) == (0, 1, None)
    with pytest.raises(SegmentGone):
        thread_bus.run(reading.bounds("b", SOURCE, 2))
