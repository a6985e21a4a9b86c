"""Segment tasks on the bus: who may publish which rendition of a segment, and publishing its parts.

A ladder rendition of a segment has one newest token at any time. An attempt holds one token for all the renditions it
was ordered for; each of them can be ordered anew, which makes the older token worthless for it. Claims and parts of
old tokens, or past the deadline, are refused by the bus's own clock.

`{b}:task:<msn>` is a hash:

    counter               how many tokens were given
    token:<rendition>     the newest token, `<epoch>:<counter>`
    deadline:<rendition>  until when attempts may publish it
    done:<rendition>      set with the segment's last part
    noted:<rendition>     why it was given up, once that was told to whom it may concern
    second                the standby's token
    device:<token>, ordered:<token>, claimed:<token>, instance:<token>, failed:<token>, crashed:<token>, again:<token>,
    standby:<token>       one attempt
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streaming.bus.errors import (
    AlreadyClaimed,
    BusForgot,
    BusRefusal,
    DeadlinePassed,
    OutOfOrder,
    StaleToken,
    TooEarly,
)
from streaming.bus.events import SegmentFailed, pack_event
from streaming.bus.layout import (
    EPOCH,
    EVENTS,
    KEEP_EVENTS,
    NOW,
    PUSH,
    Call,
    Progress,
    Script,
    key,
    push_arguments,
    push_keys,
    small,
    unpack_chunk,
)
from streaming.media import Chunk

KEEP_TASK_MS = 120_000
NOBODY = "nobody"
"""The device of an attempt that makes gaps: the dispatcher's own."""

_ORDER = small(
    NOW
    + """
local device, late_ms, keep_ms = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local again = ''
for i = 4, #ARGV, 2 do
  local held = redis.call('HMGET', KEYS[1], 'token:' .. ARGV[i], 'done:' .. ARGV[i])
  if held[2] or (held[1] or '') ~= ARGV[i + 1] then return '' end
  again = again .. ARGV[i + 1]
end
local now = now_ms()
local epoch = redis.call('GET', KEYS[2])
if not epoch then return '' end
local token = epoch .. ':' .. redis.call('HINCRBY', KEYS[1], 'counter', 1)
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[1], 'token:' .. ARGV[i], token)
  redis.call('HSETNX', KEYS[1], 'deadline:' .. ARGV[i], decimal(now + late_ms))
end
redis.call('HSET', KEYS[1], 'device:' .. token, device, 'ordered:' .. token, decimal(now))
if again ~= '' then redis.call('HSET', KEYS[1], 'again:' .. token, 1) end
redis.call('PEXPIRE', KEYS[1], keep_ms)
return token
"""
)

_CLAIM = small(
    NOW
    + """
local token, instance = ARGV[1], ARGV[2]
local now = now_ms()
if redis.call('EXISTS', KEYS[1]) == 0 then return {'forgot', token} end
local mine, newest, deadline, late = {}, '', 0, nil
local standby = redis.call('HEXISTS', KEYS[1], 'standby:' .. token)
for i = 3, #ARGV do
  local held = redis.call('HMGET', KEYS[1], 'token:' .. ARGV[i], 'done:' .. ARGV[i], 'deadline:' .. ARGV[i])
  if (held[1] ~= token and (standby == 0 or not held[1])) or held[2] then
    newest = held[1] or ''
  elseif now >= tonumber(held[3]) then
    late = held[3]
  else
    deadline = math.max(deadline, tonumber(held[3]))
    mine[#mine + 1] = ARGV[i]
    mine[#mine + 1] = redis.call('HGET', KEYS[2], ARGV[i]) or ''
  end
end
if #mine == 0 and late then return {'late', late} end
if #mine == 0 then return {'stale', token, newest} end
if redis.call('HSETNX', KEYS[1], 'claimed:' .. token, decimal(now)) == 0 then
  return {'claimed', redis.call('HGET', KEYS[1], 'instance:' .. token)}
end
redis.call('HSET', KEYS[1], 'instance:' .. token, instance)
return {'ok', decimal(deadline - now), standby, unpack(mine)}
"""
)

_PUBLISH = Script(
    PUSH
    + """
local token, rendition, keep_ms = ARGV[1], ARGV[2], ARGV[3]
local keys = {chunks = KEYS[4], progress = KEYS[5], index = KEYS[6], bytes = KEYS[7], init = KEYS[8]}
local chunk = {header = ARGV[5], data = ARGV[6], msn = tonumber(ARGV[7]), part = tonumber(ARGV[8]),
               end_dts = tonumber(ARGV[9]), closes = tonumber(ARGV[10]), must = ARGV[4] == 'gap'}
local now = now_ms()
local held = redis.call('HMGET', KEYS[1], 'token:' .. rendition, 'deadline:' .. rendition, 'done:' .. rendition)
if not held[1] then return {'forgot', token} end
if held[1] ~= token then return {'stale', token, held[1]} end
if ARGV[4] ~= 'gap' and now >= tonumber(held[2]) then return {'late', held[2]} end
local last = progress_of(keys.progress, rendition)
local expected = 0
if last and last.msn >= chunk.msn then
  expected = last.part + 1
  if held[3] or last.msn > chunk.msn then return {'order', rendition, last.packed} end
else
  local before = redis.call('HGET', KEYS[2], 'done:' .. rendition)
  local first = redis.call('HGET', KEYS[3], rendition)
  if not before and tonumber(first or '-1') ~= chunk.msn then return {'early'} end
end
if chunk.part ~= expected then return {'order', rendition, last and last.packed or '-'} end
push(keys, rendition, now, chunk)
if chunk.closes == 2 then
  redis.call('HSET', KEYS[1], 'done:' .. rendition, 1)
  redis.call('PEXPIRE', KEYS[1], keep_ms)
end
return {'ok'}
"""
)

_REMAINING = small(
    NOW
    + """
local now, most = now_ms(), -1
for i = 2, #ARGV do
  local held = redis.call('HMGET', KEYS[1], 'token:' .. ARGV[i], 'done:' .. ARGV[i], 'deadline:' .. ARGV[i])
  if held[1] == ARGV[1] and not held[2] then most = math.max(most, tonumber(held[3]) - now) end
end
return decimal(most)
"""
)

_FINISH = small("""
local held = redis.call('HGET', KEYS[1], 'token:' .. ARGV[2])
if not held then return {'forgot', ARGV[1]} end
if held ~= ARGV[1] then return {'stale', ARGV[1], held} end
redis.call('HSET', KEYS[1], 'done:' .. ARGV[2], 1)
return {'ok'}
""")

_FAIL = small("""
if redis.call('HEXISTS', KEYS[1], 'device:' .. ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'failed:' .. ARGV[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'crashed:' .. ARGV[1], 1) end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'e', ARGV[5])
return 1
""")

_DEADLINE = small(
    NOW
    + """
local field = 'deadline:' .. ARGV[1]
local deadline = redis.call('HGET', KEYS[1], field)
local wanted = now_ms() + tonumber(ARGV[2])
if not deadline or tonumber(deadline) <= wanted then return 0 end
redis.call('HSET', KEYS[1], field, decimal(wanted))
return 1
"""
)


def task_key(broadcast: str, msn: int) -> str:
    return key(broadcast, "task", str(msn))


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed attempt: how long it may publish, and for each rendition still its own how far that has come.

    `standby` says that it may publish nothing yet (`bus.standby`); then the renditions are those it stands by for.
    """

    remaining_ms: int
    progress: dict[str, Progress | None]
    standby: bool = False


def order(broadcast: str, msn: int, expected: Mapping[str, str], *, device: str, late_ms: int) -> Call[str | None]:
    """Orders a new attempt at the segment on `device`, for the renditions in `expected`, and answers its token.

    `expected` maps each rendition to the token it is believed to have ("" for none); if one has another by now, or is
    done, nothing happens and the answer is None. `late_ms` from now is their deadline, unless they have one.
    """
    pairs = [text for pair in expected.items() for text in pair]
    return Call(
        arguments=(device, late_ms, KEEP_TASK_MS, *pairs),
        parse=lambda reply: reply.decode() or None,
        script=_ORDER,
        keys=(task_key(broadcast, msn), EPOCH),
    )


def claim(broadcast: str, msn: int, token: str, renditions: Sequence[str], *, instance: str) -> Call[Claim]:
    """Takes an attempt, once. Raises StaleToken, AlreadyClaimed, DeadlinePassed, BusForgot.

    `instance` names the worker process, so that its death can be told from its device's.
    """

    def parse(reply: list[bytes]) -> Claim:
        _raise_refusal(broadcast, msn, reply)
        names, packed = reply[3::2], reply[4::2]
        return Claim(
            remaining_ms=int(reply[1]),
            standby=bool(reply[2]),
            progress={
                name.decode(): Progress.unpack(numbers) if numbers else None
                for name, numbers in zip(names, packed, strict=True)
            },
        )

    return Call(
        arguments=(token, instance, *renditions),
        parse=parse,
        script=_CLAIM,
        keys=(task_key(broadcast, msn), key(broadcast, "progress")),
    )


def publish_part(broadcast: str, token: str, rendition: str, chunk: Chunk) -> Call[None]:
    """Appends the part that comes next; one chunk is one part. Gap chunks may come after the deadline.

    Raises StaleToken, DeadlinePassed, BusForgot, OutOfOrder, and TooEarly while the segment before is unfinished.
    """
    return Call(
        arguments=(token, rendition, KEEP_TASK_MS, "gap" if chunk.gap else "", *push_arguments(chunk)),
        parse=lambda reply: _raise_refusal(broadcast, chunk.msn, reply),
        script=_PUBLISH,
        keys=(
            task_key(broadcast, chunk.msn),
            task_key(broadcast, chunk.msn - 1),
            key(broadcast, "running"),
            *push_keys(broadcast, rendition),
        ),
    )


def finish(broadcast: str, msn: int, token: str, rendition: str) -> Call[None]:
    """Says that the part published last was the segment's last. Raises StaleToken, BusForgot."""
    return Call(
        arguments=(token, rendition),
        parse=lambda reply: _raise_refusal(broadcast, msn, reply),
        script=_FINISH,
        keys=(task_key(broadcast, msn),),
    )


def remaining(broadcast: str, msn: int, token: str, renditions: Sequence[str]) -> Call[int | None]:
    """For how many ms the attempt may still publish one of these renditions; None if it may not any more."""

    def parse(reply: bytes) -> int | None:
        found = int(reply)
        return found if found > 0 else None

    return Call(
        arguments=(token, *renditions),
        parse=parse,
        script=_REMAINING,
        keys=(task_key(broadcast, msn),),
    )


def fail(broadcast: str, msn: int, token: str, reason: str, *, crashed: bool = False) -> Call[bool]:
    """Notes that an attempt has failed, and announces it, so that another can be ordered at once.

    `crashed` says that it was its encoder that failed: then the segment may be to blame.
    """
    return Call(
        arguments=(
            token,
            reason[:200],
            "crashed" if crashed else "",
            KEEP_EVENTS,
            pack_event(SegmentFailed(broadcast=broadcast, msn=msn)),
        ),
        parse=bool,
        script=_FAIL,
        keys=(task_key(broadcast, msn), EVENTS),
    )


def shorten_deadline(broadcast: str, msn: int, rendition: str, *, late_ms: int) -> Call[bool]:
    """Brings the deadline of a segment's rendition forward to `late_ms` from now; never puts it off."""
    return Call(arguments=(rendition, late_ms), parse=bool, script=_DEADLINE, keys=(task_key(broadcast, msn),))


def newest_chunk(broadcast: str, rendition: str) -> Call[Chunk | None]:
    """The chunk published last, without its data; None if there is none (any more)."""

    def parse(reply: list[Any]) -> Chunk | None:
        # Field order is that of `layout.PUSH`: h, d, n.
        return unpack_chunk(reply[0][1][1], b"") if reply else None

    return Call(
        arguments=("XREVRANGE", key(broadcast, "chunks", rendition), "+", "-", "COUNT", 1),
        parse=parse,
    )


def _raise_refusal(broadcast: str, msn: int, reply: list[bytes]) -> None:
    refusal: BusRefusal
    match reply:
        case [b"ok", *_]:
            return
        case [b"forgot", token]:
            refusal = BusForgot(broadcast=broadcast, token=token.decode())
        case [b"stale", token, newest]:
            refusal = StaleToken(broadcast=broadcast, token=token.decode(), newest=newest.decode())
        case [b"late", deadline]:
            refusal = DeadlinePassed(broadcast=broadcast, msn=msn, deadline_ms=int(deadline))
        case [b"claimed", instance]:
            refusal = AlreadyClaimed(broadcast=broadcast, msn=msn, instance=instance.decode())
        case [b"early"]:
            refusal = TooEarly(broadcast=broadcast, msn=msn)
        case [b"order", rendition, newest]:
            refusal = OutOfOrder(broadcast=broadcast, rendition=rendition.decode(), newest=newest.decode())
        case unknown:
            raise ValueError(f"not a reply of the bus: {unknown}")
    raise refusal
