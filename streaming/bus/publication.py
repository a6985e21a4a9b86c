"""Ingest's calls: who may publish a broadcast, and publishing it. All are fenced by the publisher's token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from zlib import crc32

from streaming.bus.epoch import epoch
from streaming.bus.errors import (
    BroadcastEnded,
    BusForgot,
    BusRefusal,
    InitTaken,
    OutOfOrder,
    PublisherRefused,
    StaleToken,
    TooManyInits,
)
from streaming.bus.events import BroadcastHasEnded, SegmentOpened, pack_event
from streaming.bus.layout import (
    BROADCASTS,
    EVENTS,
    KEEP_EVENTS,
    LEASE_MS,
    NOW,
    PUSH,
    RETENTION_MS,
    Call,
    Script,
    key,
    nothing,
    pack_description,
    push_arguments,
    push_keys,
    small,
    unpack_chunk,
)
from streaming.media import AUDIO, SOURCE, BroadcastState, Chunk, Description

T = TypeVar("T")

QUIET_MS = 3_000
"""A publisher that delivered no media for so long may be taken over: its encoder is gone."""
GONE_MS = 1_000
"""One that for so long neither delivered media nor renewed may be, too: it is gone itself, with its process or host."""
INITS = 256
"""The most init sections of one rendition: an encoder that changes its format every few seconds is ill."""

_REFUSE = """
local function refuse(publisher, token)
  local held = redis.call('HMGET', publisher, 'token', 'ended')
  if held[2] then return {'ended'} end
  if not held[1] then return {'forgot', token} end
  if held[1] ~= token then return {'stale', token, held[1]} end
  return nil
end
"""

_ACQUIRE = small(
    NOW
    + """
local epoch, ingest, quiet_ms, gone_ms, retention_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local now = now_ms()
local held = redis.call('HMGET', KEYS[1], 'token', 'ingest', 'media_ms', 'renewed_ms', 'ended')
if held[5] then return {'ended'} end
if held[1] then
  local media_ms, renewed_ms = tonumber(held[3]), tonumber(held[4])
  if now - media_ms < quiet_ms and now - math.max(media_ms, renewed_ms) < gone_ms then
    return {'held', held[2], decimal(now - media_ms)}
  end
end
local token = epoch .. ':' .. redis.call('HINCRBY', KEYS[1], 'counter', 1)
local at = decimal(now)
redis.call('HSET', KEYS[1], 'token', token, 'ingest', ingest, 'media_ms', at, 'renewed_ms', at)
redis.call('PEXPIRE', KEYS[1], retention_ms)
local reply = {'ok', token}
for i = 2, #KEYS do
  local newest = redis.call('XREVRANGE', KEYS[i], '+', '-', 'COUNT', 1)[1]
  reply[i + 1] = newest and newest[2][2] or ''
end
return reply
"""
)

_APPEND = Script(
    PUSH
    + _REFUSE
    + """
local token, rendition, keep_events = ARGV[1], ARGV[2], ARGV[3]
local refusal = refuse(KEYS[1], token)
if refusal then return refusal end
local keys = {chunks = KEYS[3], progress = KEYS[4], index = KEYS[5], bytes = KEYS[6], init = KEYS[7]}
local now = now_ms()
local last = progress_of(keys.progress, rendition)
if last then
  local msn, part = tonumber(ARGV[6]), tonumber(ARGV[7])
  if msn < last.msn or (msn == last.msn and part < last.part) then return {'order', rendition, last.packed} end
end
for i = 4, #ARGV, 7 do
  local chunk = {header = ARGV[i], data = ARGV[i + 1], msn = tonumber(ARGV[i + 2]), part = tonumber(ARGV[i + 3]),
                 end_dts = tonumber(ARGV[i + 4]), closes = tonumber(ARGV[i + 5]), must = true}
  if push(keys, rendition, now, chunk) and ARGV[i + 6] ~= '' then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', keep_events, '*', 'e', ARGV[i + 6])
  end
end
redis.call('HSET', KEYS[1], 'media_ms', decimal(now))
redis.call('PEXPIRE', KEYS[1], RETENTION_MS)
return {'ok'}
"""
)

_DESCRIBE = small(
    _REFUSE
    + """
local refusal = refuse(KEYS[1], ARGV[1])
if refusal then return refusal end
redis.call('HSET', KEYS[2], 'state', ARGV[2], 'facts', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'ok'}
"""
)

_RENEW = small(
    NOW
    + _REFUSE
    + """
local refusal = refuse(KEYS[1], ARGV[1])
if refusal then return refusal end
local now = now_ms()
redis.call('ZADD', KEYS[3], decimal(now + tonumber(ARGV[3])), ARGV[2])
redis.call('HSET', KEYS[1], 'renewed_ms', decimal(now))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'ok'}
"""
)

_RELEASE = small(
    _REFUSE
    + """
local refusal = refuse(KEYS[1], ARGV[1])
if refusal then return refusal end
redis.call('HSET', KEYS[1], 'media_ms', 0)
return {'ok'}
"""
)

_END = small("""
if redis.call('HSETNX', KEYS[1], 'ended', 1) == 0 then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], 'state', ARGV[2]) end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'e', ARGV[5])
return 1
""")

_PUT_INIT = small("""
local number, any = tonumber(ARGV[2]), ARGV[3] == 'any'
for _ = 1, tonumber(ARGV[4]) do
  local known = redis.call('HGET', KEYS[1], number)
  if not known then
    if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return -1 end
    redis.call('HSET', KEYS[1], number, ARGV[1])
    known = ARGV[1]
  end
  if known == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[5])
    return number
  end
  if not any then return -2 end
  number = (number + 1) % 4294967296
end
return -1
""")

_SET = small("redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])")


class Runner(Protocol):
    """What makes calls for an event loop: `redis.AsyncValkey`."""

    async def run(self, call: Call[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Publication:
    """The right to publish a broadcast. `newest` has the last chunk (its data empty) of source and audio, if any:
    whoever goes on with a broadcast goes on behind them."""

    token: str
    newest: dict[str, Chunk]


def acquire(broadcast: str, *, in_epoch: str, ingest: str, quiet_ms: int = QUIET_MS) -> Call[Publication]:
    """Asks for the right to publish.

    Raises PublisherRefused while another delivers media, or has just done so and is still there, BroadcastEnded.
    `in_epoch` must still be the bus's epoch after the call: `take` sees to it.
    """

    def parse(reply: Any) -> Publication:
        if reply[0] == b"held":
            raise PublisherRefused(broadcast=broadcast, holder=reply[1].decode(), quiet_ms=int(reply[2]))
        _raise_refusal(broadcast, reply)
        newest = {
            rendition: unpack_chunk(header, b"")
            for rendition, header in zip((SOURCE, AUDIO), reply[2:], strict=True)
            if header
        }
        return Publication(token=reply[1].decode(), newest=newest)

    return Call(
        arguments=(in_epoch, ingest, quiet_ms, GONE_MS, RETENTION_MS),
        parse=parse,
        script=_ACQUIRE,
        keys=(key(broadcast, "publisher"), key(broadcast, "chunks", SOURCE), key(broadcast, "chunks", AUDIO)),
    )


async def take(valkey: Runner, broadcast: str, *, ingest: str, quiet_ms: int = QUIET_MS) -> Publication:
    """`acquire` in the bus's present epoch, so that a token given before a loss of memory never comes back.

    Raises PublisherRefused, BroadcastEnded, BusUnavailable.
    """
    seen = await valkey.run(epoch())
    while True:
        publication = await valkey.run(acquire(broadcast, in_epoch=seen, ingest=ingest, quiet_ms=quiet_ms))
        seen, was = await valkey.run(epoch()), seen
        if seen == was:
            return publication
        with suppress(BusRefusal):
            await valkey.run(release(broadcast, publication.token))


def append(broadcast: str, token: str, rendition: str, chunks: Sequence[Chunk], *, leading: bool) -> Call[None]:
    """Appends chunks to `source` or `audio`, all or none, in order.

    The `leading` rendition (source, or audio where there is no video) announces each new segment with the event
    `segment.opened`. Raises StaleToken, BusForgot, BroadcastEnded, OutOfOrder.
    """
    arguments: list[bytes | str | int | float] = [token, rendition, KEEP_EVENTS]
    for chunk in chunks:
        event = ""
        if leading and chunk.part == 0:  # segments begin with their part 0, so no other chunk can open one
            event = pack_event(SegmentOpened(broadcast=broadcast, msn=chunk.msn, dts=chunk.dts, wall_ms=chunk.wall_ms))
        arguments += [*push_arguments(chunk), event]
    return Call(
        arguments=tuple(arguments),
        parse=_answer(broadcast),
        script=_APPEND,
        keys=(key(broadcast, "publisher"), EVENTS, *push_keys(broadcast, rendition)),
    )


def describe(description: Description, token: str) -> Call[None]:
    """Writes the broadcast's description whole. Raises StaleToken, BusForgot, BroadcastEnded."""
    return Call(
        arguments=(token, *pack_description(description), RETENTION_MS),
        parse=_answer(description.broadcast),
        script=_DESCRIBE,
        keys=(key(description.broadcast, "publisher"), key(description.broadcast, "description")),
    )


def renew(broadcast: str, token: str, *, lease_ms: int = LEASE_MS) -> Call[None]:
    """Renews the broadcast's lease, live or reconnecting, and says that its publisher is there. Raises StaleToken,
    BusForgot, BroadcastEnded."""
    return Call(
        arguments=(token, broadcast, lease_ms, RETENTION_MS),
        parse=_answer(broadcast),
        script=_RENEW,
        keys=(key(broadcast, "publisher"), key(broadcast, "description"), BROADCASTS),
    )


def release(broadcast: str, token: str) -> Call[None]:
    """Says that the encoder has gone: the next `acquire` succeeds at once. The token stays good until then, to renew
    the lease while the broadcast waits for its encoder. Raises StaleToken, BusForgot, BroadcastEnded."""
    return Call(arguments=(token,), parse=_answer(broadcast), script=_RELEASE, keys=(key(broadcast, "publisher"),))


def end(broadcast: str) -> Call[bool]:
    """Ends a broadcast for good, whoever publishes it, and announces `broadcast.ended`. False if it was ended already.

    Not fenced: ingest, an administrator and the dispatcher may all end it.
    """
    return Call(
        arguments=(
            broadcast,
            BroadcastState.ENDED.value,
            RETENTION_MS,
            KEEP_EVENTS,
            pack_event(BroadcastHasEnded(broadcast=broadcast)),
        ),
        parse=bool,
        script=_END,
        keys=(key(broadcast, "publisher"), key(broadcast, "description"), BROADCASTS, EVENTS),
    )


def put_init(broadcast: str, rendition: str, section: bytes, *, number: int | None = None) -> Call[int]:
    """Puts an init section and answers its number. Putting the same again changes nothing.

    Ingest numbers its own. A worker leaves `number` out and gets one made from the bytes: the same section has the
    same number whichever attempt puts it, on whichever bus, and a URL never names two different ones.
    Raises TooManyInits, or InitTaken if `number` is another section's.
    """

    def parse(reply: int) -> int:
        if reply == -1:
            raise TooManyInits(broadcast=broadcast, rendition=rendition, limit=INITS)
        if reply < 0:
            raise InitTaken(broadcast=broadcast, rendition=rendition, number=number or 0)
        return reply

    return Call(
        arguments=(
            section,
            crc32(section) if number is None else number,
            "any" if number is None else "exactly",
            INITS,
            RETENTION_MS,
        ),
        parse=parse,
        script=_PUT_INIT,
        keys=(key(broadcast, "init", rendition),),
    )


def publish_health(broadcast: str, report: str, *, keep_ms: int = 10_000) -> Call[None]:
    """Leaves ingest's health report (JSON) for the dashboard; it vanishes when it isn't renewed."""
    return Call(arguments=(report, keep_ms), parse=nothing, script=_SET, keys=(key(broadcast, "health"),))


def _answer(broadcast: str) -> Callable[[list[bytes]], None]:
    return lambda reply: _raise_refusal(broadcast, reply)


def _raise_refusal(broadcast: str, reply: list[bytes]) -> None:
    refusal: BusRefusal
    match reply:
        case [b"ok", *_]:
            return
        case [b"ended"]:
            refusal = BroadcastEnded(broadcast=broadcast)
        case [b"forgot", token]:
            refusal = BusForgot(broadcast=broadcast, token=token.decode())
        case [b"stale", token, newest]:
            refusal = StaleToken(broadcast=broadcast, token=token.decode(), newest=newest.decode())
        case [b"order", rendition, newest]:
            refusal = OutOfOrder(broadcast=broadcast, rendition=rendition.decode(), newest=newest.decode())
        case unknown:
            raise ValueError(f"not a reply of the bus: {unknown}")
    raise refusal
