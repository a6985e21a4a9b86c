"""One call that takes a message, or says why not: checks, limits, number, log and publication in one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chat.bus import layout
from chat.bus.layout import room_key
from chat.errors import NotUnique, Repeated, SlowMode, TimedOut, TooFast
from chat.events import HIDDEN
from streaming.bus.layout import NOW, Call, Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a message must keep within, once text and author were judged.

    At most `count` in `window_ms`; `slow_ms` and `repeat_ms` 0 for none. `from_ms`: not before that Unix ms.
    """

    count: int
    window_ms: int
    slow_ms: int = 0
    repeat_ms: int = 0
    unique: bool = False
    from_ms: int = 0
    passes_first: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """A message the room has. `shown` is false when the room is busy and this one is not of the sample."""

    id: str
    offset: int
    ts: int
    shown: bool


class JudgedByOld(Exception):
    """The facts or the standing shown with the message are not the newest."""


APPEND = (
    NOW
    + f"""
local KEEP_RECORDS, KEEP_MS, JUMP = {layout.KEEP_RECORDS}, {layout.KEEP_MS}, {layout.JUMP}
"""
    + """
local function identify(epoch, number)
  local tail = string.format('%015x', number)
  return epoch:sub(1, 8) .. '-' .. epoch:sub(9, 12) .. '-8' .. epoch:sub(13, 15)
         .. '-8' .. tail:sub(1, 3) .. '-' .. tail:sub(4)
end

-- The room's epoch, and how many numbers to leave out. A Valkey that was killed has lost its last second: were the
-- numbers of those records given again, two messages would have one id. LASTSAVE, while nothing is saved, says since
-- when this one runs; a save does no harm.
local function epoch_of(head, fresh)
  local known = redis.call('HMGET', head, 'epoch', 'started')
  local started = redis.pcall('LASTSAVE')
  started = type(started) == 'number' and decimal(started) or '0'
  local epoch = known[1]
  if not epoch then
    epoch = fresh
    redis.call('HSET', head, 'epoch', epoch)
  end
  if known[2] == started then return epoch, 0 end
  redis.call('HSET', head, 'started', started)
  if not known[2] then return epoch, 0 end
  redis.call('HINCRBY', head, 'hidden', JUMP)
  return epoch, JUMP
end

-- Numbers a record, keeps it and publishes it. Answers offset and id.
local function append(head, log, live, now, fresh, kind, body)
  local epoch, left_out = epoch_of(head, fresh)
  local offset = redis.call('HINCRBY', head, 'offset', 1 + left_out)
  local id = identify(epoch, offset)
  local record = '{"offset":' .. decimal(offset) .. ',"ts":' .. decimal(now) .. ',"id":"' .. id .. '",' .. body
  redis.call('XADD', log, 'MAXLEN', '~', KEEP_RECORDS, decimal(offset) .. '-0', 'k', kind, 't', decimal(now),
             'j', record, 's', left_out)
  -- Entries are numbered, not timed, so old ones go by looking at the oldest: every eighth append drops up to 32.
  for _ = 1, offset % 8 == 0 and 32 or 0 do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if tonumber(oldest[2][4]) >= now - KEEP_MS then break end
    redis.call('XDEL', log, oldest[1])
  end
  redis.call('PEXPIRE', log, KEEP_MS)
  redis.call('SPUBLISH', live, kind .. decimal(offset) .. '+' .. left_out .. ' ' .. record)
  return offset, id
end
"""
)
"""Lua: how a record gets into a room, whoever writes it."""

_POST = Script(
    APPEND
    + f"""
local SAMPLE_ABOVE, UNIQUE_MS, HIDDEN = {layout.SAMPLE_ABOVE}, {layout.UNIQUE_MS}, {HIDDEN}
"""
    + """
local facts, member, times, said, unique, head, log, hidden, tempo, live = unpack(KEYS)
local revision, standing, body, fresh = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local count, window, slow, repeated = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local is_unique, from, first = ARGV[9] == '1', tonumber(ARGV[10]), ARGV[11] == '1'
local now = now_ms()

if redis.call('HGET', facts, 'revision') ~= revision or redis.call('HGET', member, 's') ~= standing then
  return {'old'}
end
if now < from then return {'early', from - now} end
local oldest = redis.call('LINDEX', times, count - 1)
if oldest and now - tonumber(oldest) < window then return {'fast', tonumber(oldest) + window - now} end
if slow > 0 then
  local last = redis.call('LINDEX', times, 0)
  if last and now - tonumber(last) < slow then return {'slow', tonumber(last) + slow - now} end
end
if is_unique and redis.call('EXISTS', unique) == 1 then return {'unique', 0} end
-- The last check: it claims the words, and all that follows succeeds.
if repeated > 0 and not redis.call('SET', said, '', 'NX', 'PX', repeated) then
  return {'repeated', redis.call('PTTL', said)}
end

if redis.call('LPUSH', times, decimal(now)) > 100 then redis.call('LTRIM', times, 0, 99) end
redis.call('PEXPIRE', times, math.max(window, slow))
if is_unique then redis.call('SET', unique, '', 'PX', UNIQUE_MS) end

-- Above SAMPLE_ABOVE a second each message has the same chance to be shown, those that pass first a sure one.
local second = math.floor(now / 1000)
local speed = redis.call('INCR', tempo .. decimal(second))
if speed == 1 then redis.call('PEXPIRE', tempo .. decimal(second), 3000) end
local before = tonumber(redis.call('GET', tempo .. decimal(second - 1)) or '0')
local expected = math.max(speed, before)
if expected > SAMPLE_ABOVE then
  if speed == SAMPLE_ABOVE + 1 or speed == 1 then
    redis.call('SPUBLISH', live, 'e {"type":"sample","tempo":' .. decimal(expected) .. '}')
  end
  if not first and math.random(expected) > SAMPLE_ABOVE then
    local epoch = epoch_of(head, fresh)
    local number = redis.call('HINCRBY', head, 'hidden', 1)
    local id = identify(epoch, HIDDEN + number)
    redis.call('XADD', hidden, 'MAXLEN', '~', KEEP_RECORDS, decimal(number) .. '-0', 'k', 'm', 't', decimal(now), 'j',
               '{"offset":null,"ts":' .. decimal(now) .. ',"id":"' .. id .. '",' .. body)
    redis.call('PEXPIRE', hidden, KEEP_MS)
    return {'ok', id, 0, decimal(now)}
  end
end
local offset, id = append(head, log, live, now, fresh, 'm', body)
return {'ok', id, offset, decimal(now)}
"""
)

_KEEP_FORM = Script(
    APPEND
    + """
local head, log, live = KEYS[1], KEYS[2], KEYS[3]
local offset, id = append(head, log, live, now_ms(), ARGV[1], ARGV[2], ARGV[3])
return {id, offset}
"""
)


def post(
    room: str, *, user: str, revision: int, standing: str, text: str, body: str, limits: Limits, epoch: str
) -> Call[Posted]:
    """Takes a message into the room.

    Args:
        standing: the packed standing, and `revision` the facts' one, that text and author were judged by.
        body: `events.Said.body`.
        epoch: 15 random hexadecimal digits, the room's epoch should it have none.

    Raises, from the call:
        JudgedByOld: read facts and standing again.
        TimedOut, TooFast, SlowMode, Repeated, NotUnique: refused; nothing was changed.
    """
    words = layout.digest(text)
    return Call(
        script=_POST,
        keys=(
            room_key(room, "facts"),
            room_key(room, "member", user),
            room_key(room, "times", user),
            room_key(room, "said", user, words),
            room_key(room, "unique", words),
            room_key(room, "head"),
            room_key(room, "log"),
            room_key(room, "hidden"),
            room_key(room, "tempo", ""),
            layout.channel(room),
        ),
        arguments=(
            str(revision),
            standing,
            body,
            epoch,
            limits.count,
            limits.window_ms,
            limits.slow_ms,
            limits.repeat_ms,
            int(limits.unique),
            limits.from_ms,
            int(limits.passes_first),
        ),
        parse=_posted,
    )


def append(room: str, *, body: str, epoch: str, kind: bytes = layout.CONTROL) -> Call[tuple[str, int]]:
    """Puts a record into the room without asking: what moderators did, what the room says. Answers `(id, offset)`."""
    return Call(
        script=_KEEP_FORM,
        keys=(room_key(room, "head"), room_key(room, "log"), layout.channel(room)),
        arguments=(epoch, kind, body),
        parse=lambda reply: (reply[0].decode(), int(reply[1])),
    )


def tell(room: str, record: str) -> Call[None]:
    """Tells who is in the room now; nothing is kept."""
    return Call(arguments=("SPUBLISH", layout.channel(room), f"e {record}"), parse=lambda _reply: None)


def tell_person(user: str, record: str) -> Call[int]:
    """Tells one person, wherever they are; nothing is kept. Answers how many processes have a socket of theirs."""
    return Call(arguments=("SPUBLISH", layout.line(user), record), parse=int)


def _posted(reply: Any) -> Posted:
    outcome = reply[0].decode()
    if outcome == "ok":
        return Posted(id=reply[1].decode(), offset=int(reply[2]), ts=int(reply[3]), shown=int(reply[2]) > 0)
    if outcome == "old":
        raise JudgedByOld
    if outcome == "unique":
        raise NotUnique
    raise {"early": TimedOut, "fast": TooFast, "slow": SlowMode, "repeated": Repeated}[outcome](retry_ms=int(reply[1]))
