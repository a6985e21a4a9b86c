"""Calls that read a broadcast: its description, its progress, its chunks and init sections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from streaming.bus.errors import SegmentGone
from streaming.bus.layout import (
    BROADCASTS,
    NEWEST,
    Call,
    Progress,
    Script,
    before,
    key,
    unpack_chunk,
    unpack_description,
)
from streaming.media import Chunk, Description

T = TypeVar("T")

BLOCK_MS = 250
"""How long `follow` waits for a chunk before it looks at `stop` again."""


class Runner(Protocol):
    """What makes calls for a thread: `redis.Valkey`."""

    def run(self, call: Call[T]) -> T: ...


def description(broadcast: str) -> Call[Description | None]:
    """The broadcast's description, None if the bus doesn't know it."""

    def parse(reply: list[bytes | None]) -> Description | None:
        state, facts = reply
        return unpack_description(state, facts) if state and facts else None

    return Call(arguments=("HMGET", key(broadcast, "description"), "state", "facts"), parse=parse)


@dataclass(frozen=True, slots=True)
class Standing:
    """`published`: an encoder has taken the broadcast, whether it has described it yet or not. `ended`: it was ended,
    even if the bus knows nothing else of it."""

    published: bool
    ended: bool


def standing(broadcast: str) -> Call[Standing]:
    def parse(reply: list[bytes | None]) -> Standing:
        token, ended = reply
        return Standing(published=token is not None, ended=ended is not None)

    return Call(arguments=("HMGET", key(broadcast, "publisher"), "token", "ended"), parse=parse)


def progress(broadcast: str) -> Call[dict[str, Progress]]:
    """Rendition -> how far it has come."""

    def parse(reply: list[bytes]) -> dict[str, Progress]:
        return {name: Progress.unpack(packed.encode()) for name, packed in _text_pairs(reply)}

    return Call(arguments=("HGETALL", key(broadcast, "progress")), parse=parse)


def running(broadcast: str) -> Call[dict[str, int]]:
    """Ladder rendition -> first MSN it runs from, as the dispatcher has decided."""
    return Call(arguments=("HGETALL", key(broadcast, "running")), parse=_integers)


def health(broadcast: str) -> Call[bytes | None]:
    """Ingest's newest health report (JSON), None when there is none from the last 10 s."""
    return Call(arguments=("GET", key(broadcast, "health")), parse=_same)


def leases() -> Call[dict[str, int]]:
    """Broadcast -> when its ingest's lease expires, in the bus's ms."""
    return Call(arguments=("ZRANGE", BROADCASTS, 0, -1, "WITHSCORES"), parse=_integers)


def now_ms() -> Call[int]:
    """The bus's clock, in ms since 1970."""
    return Call(arguments=("TIME",), parse=lambda reply: int(reply[0]) * 1000 + int(reply[1]) // 1000)


def fullness() -> Call[float]:
    """The share of the bus's memory bound that is in use, 0.0 where it has none."""

    def parse(reply: bytes) -> float:
        facts = dict(line.split(b":", 1) for line in reply.splitlines() if b":" in line)
        bound = int(facts[b"maxmemory"])
        return int(facts[b"used_memory"]) / bound if bound else 0.0

    return Call(arguments=("INFO", "memory"), parse=parse)


def init_section(broadcast: str, rendition: str, number: int) -> Call[bytes | None]:
    return Call(arguments=("HGET", key(broadcast, "init", rendition), number), parse=_same)


def chunks(
    broadcast: str, after: Mapping[str, bytes], *, block_ms: int, count: int = 64
) -> Call[dict[str, list[tuple[bytes, Chunk]]]]:
    """Rendition -> `(id, chunk)`s behind the id given for it, oldest first, at most `count` each.

    Waits up to `block_ms` (1 to 1,000) for the first; 0 doesn't wait at all.
    """
    names = {key(broadcast, "chunks", rendition).encode(): rendition for rendition in after}

    def parse(reply: Any) -> dict[str, list[tuple[bytes, Chunk]]]:
        return {names[name]: [_entry(entry) for entry in entries] for name, entries in reply or ()}

    wait = ("BLOCK", block_ms) if block_ms else ()
    return Call(
        arguments=("XREAD", "COUNT", count, *wait, "STREAMS", *names, *after.values()),
        parse=parse,
        blocking=bool(block_ms),
    )


def chunks_between(
    broadcast: str, rendition: str, first: bytes, last: bytes, *, count: int = 1_024
) -> Call[list[tuple[bytes, Chunk]]]:
    """`(id, chunk)`s from id `first` to id `last`, both included."""
    return Call(
        arguments=("XRANGE", key(broadcast, "chunks", rendition), first, last, "COUNT", count),
        parse=lambda reply: [_entry(entry) for entry in reply],
    )


def newest_id(broadcast: str, rendition: str) -> Call[bytes]:
    """The id of the rendition's newest chunk, to read what comes behind it."""
    return Call(arguments=(), parse=bytes, script=NEWEST, keys=(key(broadcast, "chunks", rendition),))


# Answers an id whose exclusive successor is the segment's first chunk: found by the index, or else whatever was
# appended last. 1: found, 0: not yet there, 2: gone.
_START = Script("""
local found = redis.call('ZRANGE', KEYS[2], ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
if found[1] then return {1, found[1], found[2]} end
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, '0-0', '-1'} end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then return {0, info[i + 1], '-1'} end
end
""")


def start_of(broadcast: str, rendition: str, msn: int) -> Call[bytes]:
    """The id to read behind, to get the rendition from the start of segment `msn`; where that isn't there yet, from
    what comes next. Raises SegmentGone if only later segments are there."""

    def parse(reply: list[Any]) -> bytes:
        found, entry, score = reply
        if found and int(score) != msn:
            raise SegmentGone(broadcast=broadcast, rendition=rendition, msn=msn, found=int(score))
        return before(entry) if found else bytes(entry)

    return Call(
        arguments=(msn,),
        parse=parse,
        script=_START,
        keys=(key(broadcast, "chunks", rendition), key(broadcast, "index", rendition)),
    )


_BOUNDS = Script("""
local function header(entries) return entries[1] and entries[1][2][2] or '' end
local function place(msn) return redis.call('ZRANGE', KEYS[2], msn, msn, 'BYSCORE')[1] end
local at, following = place(ARGV[1]), place(ARGV[1] + 1)
if not at then return {'', '', ''} end
local first = header(redis.call('XRANGE', KEYS[1], at, '+', 'COUNT', 1))
if not following then return {first, header(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)), ''} end
return {first, header(redis.call('XREVRANGE', KEYS[1], '(' .. following, '-', 'COUNT', 1)),
        header(redis.call('XRANGE', KEYS[1], following, '+', 'COUNT', 1))}
""")


@dataclass(frozen=True, slots=True)
class Bounds:
    """A segment's first chunk, its newest, and the one behind it if there is one; all without their data."""

    first: Chunk
    newest: Chunk
    following: Chunk | None


def bounds(broadcast: str, rendition: str, msn: int) -> Call[Bounds]:
    """Where a segment begins and ends, or has come to. Raises SegmentGone where its start isn't there (any more)."""

    def parse(reply: list[bytes]) -> Bounds:
        first, newest, following = (unpack_chunk(header, b"") if header else None for header in reply)
        if first is None or newest is None or (first.msn, first.part) != (msn, 0):
            raise SegmentGone(broadcast=broadcast, rendition=rendition, msn=msn, found=first.msn if first else -1)
        return Bounds(first, newest, following)

    return Call(
        arguments=(msn,),
        parse=parse,
        script=_BOUNDS,
        keys=(key(broadcast, "chunks", rendition), key(broadcast, "index", rendition)),
    )


# Whoever begins to watch needs to know what is there, not all of its bytes: the newest indexed segment that starts
# `span` ms before the newest chunk or earlier, and only those from `msn` on, begins the answer.
_HEADERS = Script("""
local span, msn = tonumber(ARGV[1]), tonumber(ARGV[2])
local function ms_of(id) return tonumber(id:match('^(%d+)-')) end
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not oldest then return {} end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]
local index = redis.call('ZRANGE', KEYS[2], msn, '+inf', 'BYSCORE')
local at
for i = #index, 1, -1 do
  if ms_of(index[i]) < ms_of(oldest[1]) then break end
  at = index[i]
  if ms_of(newest) - ms_of(at) >= span then break end
end
if not at then return {} end
local answer = {}
repeat
  local entries = redis.call('XRANGE', KEYS[1], at, '+', 'COUNT', 32)
  for _, entry in ipairs(entries) do
    answer[#answer + 1] = {entry[1], entry[2][2], #entry[2][4]}
    at = '(' .. entry[1]
  end
until #entries == 0
return answer
""")


def headers(broadcast: str, rendition: str, *, span_ms: int, from_msn: int = 0) -> Call[list[tuple[bytes, Chunk, int]]]:
    """`(id, chunk, size)` of the last `span_ms` and a little more, from the start of a segment on; the chunks' data
    is left out, `size` is its length in bytes."""

    def parse(reply: Any) -> list[tuple[bytes, Chunk, int]]:
        return [(entry, unpack_chunk(header, b""), size) for entry, header, size in reply]

    return Call(
        arguments=(span_ms, from_msn),
        parse=parse,
        script=_HEADERS,
        keys=(key(broadcast, "chunks", rendition), key(broadcast, "index", rendition)),
    )


def follow(
    valkey: Runner,
    broadcast: str,
    rendition: str,
    msn: int,
    *,
    stop: Callable[[], bool],
    block_ms: int = BLOCK_MS,
) -> Iterator[Chunk | None]:
    """Yields the rendition's chunks from the start of segment `msn` on, as they arrive, and None whenever none came
    for `block_ms`; ends once `stop()` says so. For threads.

    Raises SegmentGone, BusUnavailable. The consumer sees the segment's end by the next chunk's MSN, or `closes`.
    """
    at = valkey.run(start_of(broadcast, rendition, msn))
    first = True
    while not stop():
        found = valkey.run(chunks(broadcast, {rendition: at}, block_ms=block_ms)).get(rendition)
        if not found:
            yield None
            continue
        at = found[-1][0]
        for _, chunk in found:
            if first and chunk.msn < msn:
                continue
            # The index outlives the chunks: trimming may have taken the segment's start.
            if first and (chunk.msn, chunk.part) != (msn, 0):
                raise SegmentGone(broadcast=broadcast, rendition=rendition, msn=msn, found=chunk.msn)
            first = False
            if stop():
                return
            yield chunk


def _entry(entry: Any) -> tuple[bytes, Chunk]:
    # Field order is that of `layout.PUSH`: h, d, n.
    number, fields = entry
    return number, unpack_chunk(fields[1], fields[3])


def _same(reply: Any) -> bytes | None:
    return reply if reply is None else bytes(reply)


def _text_pairs(reply: list[bytes]) -> list[tuple[str, str]]:
    texts = [part.decode() for part in reply]
    return list(zip(texts[::2], texts[1::2], strict=True))


def _integers(reply: list[bytes]) -> dict[str, int]:
    return {name: int(float(value)) for name, value in _text_pairs(reply)}
