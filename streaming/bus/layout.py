"""Where things lie on the media bus, and how its records are packed. Pure: no client, no clock.

A key of a broadcast carries the broadcast's id as its hash tag, so that one Lua call may touch all of them together.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from hashlib import sha1
from typing import Any, Generic, TypeAlias, TypeVar

from streaming.media import BroadcastState, Chunk, Closes, Description, Rendition

T_co = TypeVar("T_co", covariant=True)
Argument: TypeAlias = bytes | str | int | float

EPOCH = "epoch"
EVENTS = "events"
BROADCASTS = "broadcasts"
DEVICES = "devices"

KEEP_MS = 90_000
"""How long the bus keeps chunks."""
KEEP_LEAST_MS = 45_000
"""How long it keeps them while it is at its memory bound: what playlists list, and a segment."""
KEEP_BYTES = 256 * 1024 * 1024
"""The most a rendition may keep there: 90 s of 23 Mbit/s; above that the oldest chunks go first."""
KEEP_HELD_MS = 300_000
"""How long it keeps what the archive has not copied yet (`archive.hold`); KEEP_BYTES counts for that too."""
KEEP_SEGMENTS = 256
"""How many segments of a rendition can be found by their MSN: more than there can be in KEEP_HELD_MS at 2 s each."""
KEEP_EVENTS = 100_000
RETENTION_MS = 600_000
"""Every key of a broadcast expires so long after it was last written, whatever became of its ingest."""
LEASE_MS = 5_000
"""A broadcast whose ingest has not renewed for so long has lost it."""


def key(broadcast: str, *parts: str) -> str:
    """`{b}:<part>:<part>`: a key in the broadcast's hash slot."""
    return ":".join(("{" + broadcast + "}", *parts))


@cache
def _sha(text: str) -> str:
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Script:
    """Lua for the Valkey. `sha` is the name under which its script cache keeps the text."""

    text: str

    @property
    def sha(self) -> str:
        return _sha(self.text)


def small(text: str) -> Script:
    """Lua that is carried out at the memory bound too: what it writes is small, counted and expires, and without it a
    broadcast or the fleet would be lost."""
    return Script("#!lua flags=allow-oom\n" + text)


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One call on a Valkey, not yet made: a command or a script, and how to read the raw RESP2 reply.

    `parse` raises the `BusRefusal` that the reply stands for. A `blocking` call may wait on the server.
    """

    arguments: tuple[Argument, ...]
    parse: Callable[[Any], T_co]
    script: Script | None = None
    keys: tuple[str, ...] = ()
    blocking: bool = False


def nothing(_reply: Any) -> None:
    """Reads a reply that says nothing."""


# Version, flags, closes, MSN, part, dts, duration, wall_ms, discontinuity, init.
_HEADER = struct.Struct(">BBBxIIqIqII")
_VERSION = 1
_INDEPENDENT = 1
_GAP = 2


def pack_header(chunk: Chunk) -> bytes:
    """A chunk without its data, in 40 bytes."""
    flags = (_INDEPENDENT if chunk.independent else 0) | (_GAP if chunk.gap else 0)
    return _HEADER.pack(
        _VERSION,
        flags,
        chunk.closes,
        chunk.msn,
        chunk.part,
        chunk.dts,
        chunk.duration,
        chunk.wall_ms,
        chunk.discontinuity,
        chunk.init,
    )


def unpack_chunk(header: bytes, data: bytes) -> Chunk:
    """The chunk again. Raises ValueError for a header of another version."""
    if len(header) != _HEADER.size or header[0] != _VERSION:
        raise ValueError(f"not a chunk header: {header[:8].hex()}")
    _, flags, closes, msn, part, dts, duration, wall_ms, discontinuity, init = _HEADER.unpack(header)
    return Chunk(
        msn=msn,
        part=part,
        dts=dts,
        duration=duration,
        wall_ms=wall_ms,
        independent=bool(flags & _INDEPENDENT),
        closes=Closes(closes),
        discontinuity=discontinuity,
        init=init,
        data=data,
        gap=bool(flags & _GAP),
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rendition has come: its newest chunk, and its newest whole part (-1, -1 before the first)."""

    msn: int
    part: int
    end_dts: int
    at_ms: int
    whole_msn: int
    whole_part: int

    @classmethod
    def unpack(cls, packed: bytes) -> Progress:
        return cls(*(int(number) for number in packed.split()))


def pack_description(description: Description) -> tuple[str, str]:
    """`(state, facts)`: the state lies beside the rest, so that a broadcast can be ended without rewriting it."""
    facts = asdict(description)
    del facts["state"]
    return description.state.value, json.dumps(facts, separators=(",", ":"))


@lru_cache(maxsize=4_096)  # seldom written, and read whenever somebody looks
def unpack_description(state: bytes, facts: bytes) -> Description:
    values = json.loads(facts)
    return Description(
        broadcast=values["broadcast"],
        state=BroadcastState(state.decode()),
        target_duration=values["target_duration"],
        part_target_ms=values["part_target_ms"],
        renditions=tuple(Rendition(**rendition) for rendition in values["renditions"]),
        partner=values.get("partner", False),
    )


def before(entry: bytes) -> bytes:
    """The stream id just below `entry`, for commands whose start is exclusive."""
    ms, _, sequence = entry.partition(b"-")
    if int(sequence):
        return b"%s-%d" % (ms, int(sequence) - 1)
    return b"%d-%d" % (int(ms) - 1, 2**64 - 1) if int(ms) else b"0-0"


NOW = """
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function decimal(number) return string.format('%.0f', number) end
"""
"""Lua: Valkey's own clock, the only one that counts on the bus. `%.0f`: Lua would print a time as 1.7e+12."""

PUSH = (
    NOW
    + f"""
local KEEP_MS, KEEP_HELD_MS, KEEP_LEAST_MS = {KEEP_MS}, {KEEP_HELD_MS}, {KEEP_LEAST_MS}
local KEEP_BYTES = {KEEP_BYTES}
local KEEP_SEGMENTS, RETENTION_MS = {KEEP_SEGMENTS}, {RETENTION_MS}
"""
    + """
local function progress_of(key, rendition)
  local packed = redis.call('HGET', key, rendition)
  if not packed then return nil end
  local msn, part, whole_msn, whole_part = packed:match('^(%d+) (%d+) %-?%d+ %d+ (%-?%d+) (%-?%d+)$')
  return {msn = tonumber(msn), part = tonumber(part), packed = packed,
          whole_msn = tonumber(whole_msn), whole_part = tonumber(whole_part)}
end

-- What is older than KEEP_MS goes, unless the archive still needs it: `hold` says from which time on.
-- At the memory bound a rendition makes room for itself: it keeps KEEP_LEAST_MS. One that has no more than that is
-- refused, unless it must go on: source and audio, of which so much per broadcast may lie beyond the bound, and gaps.
local function add(keys, now, chunk, total)
  local entry = {'h', chunk.header, 'd', chunk.data, 'n', decimal(total)}
  local hold = tonumber(redis.call('HGET', keys.bytes, 'hold') or decimal(now))
  local oldest = math.max(now - KEEP_HELD_MS, math.min(now - KEEP_MS, hold))
  local id = redis.pcall('XADD', keys.chunks, 'MINID', '~', decimal(oldest), '*', unpack(entry))
  if type(id) == 'string' then return id end
  local freed = redis.call('XTRIM', keys.chunks, 'MINID', decimal(now - KEEP_LEAST_MS))
  if freed == 0 and not chunk.must then error(id) end
  -- Valkey lets a script finish that has begun to write.
  return redis.call('XADD', keys.chunks, '*', unpack(entry))
end

-- Appends one chunk. keys: chunks, progress, index, bytes, init. Says whether it opened a segment.
local function push(keys, rendition, now, chunk)
  local last = progress_of(keys.progress, rendition)
  local opened = not last or chunk.msn > last.msn
  local total = tonumber(redis.call('HGET', keys.bytes, rendition) or '0')
  local id = add(keys, now, chunk, total)
  total = total + #chunk.data
  redis.call('HSET', keys.bytes, rendition, decimal(total))

  -- The floor is what lay before the oldest chunk when we last looked: it can only have risen since.
  local floor = rendition .. ':floor'
  while total - tonumber(redis.call('HGET', keys.bytes, floor) or '0') > KEEP_BYTES do
    local oldest = redis.call('XRANGE', keys.chunks, '-', '+', 'COUNT', 1)[1]
    local before = tonumber(oldest[2][6])
    if total - before > KEEP_BYTES then
      redis.call('XDEL', keys.chunks, oldest[1])
      before = before + #oldest[2][4]
    end
    redis.call('HSET', keys.bytes, floor, decimal(before))
  end

  local whole_msn, whole_part = -1, -1
  if last then
    whole_msn, whole_part = last.whole_msn, last.whole_part
    if opened or chunk.part > last.part then whole_msn, whole_part = last.msn, last.part end
  end
  if chunk.closes > 0 then whole_msn, whole_part = chunk.msn, chunk.part end
  redis.call('HSET', keys.progress, rendition, table.concat({decimal(chunk.msn), decimal(chunk.part),
             decimal(chunk.end_dts), decimal(now), decimal(whole_msn), decimal(whole_part)}, ' '))
  if opened then
    redis.call('ZADD', keys.index, chunk.msn, id)
    redis.call('ZREMRANGEBYRANK', keys.index, 0, -KEEP_SEGMENTS - 1)
  end
  for _, name in ipairs({'chunks', 'progress', 'index', 'bytes', 'init'}) do
    redis.call('PEXPIRE', keys[name], RETENTION_MS)
  end
  return opened
end
"""
)
"""Lua: how a chunk is appended, whoever may append it. Readers and fences build on `push` and `progress_of`."""


def push_keys(broadcast: str, rendition: str) -> tuple[str, str, str, str, str]:
    """The keys `push` writes, in the order its scripts take them: chunks, progress, index, bytes, init."""
    return (
        key(broadcast, "chunks", rendition),
        key(broadcast, "progress"),
        key(broadcast, "index", rendition),
        key(broadcast, "bytes"),
        key(broadcast, "init", rendition),
    )


def push_arguments(chunk: Chunk) -> tuple[bytes, bytes, int, int, int, int]:
    """A chunk as scripts take it: header, data, msn, part, end_dts, closes."""
    return (pack_header(chunk), chunk.data, chunk.msn, chunk.part, chunk.dts + chunk.duration, int(chunk.closes))


NEWEST = Script("""
if redis.call('EXISTS', KEYS[1]) == 0 then return '0-0' end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then return info[i + 1] end
end
""")
"""The id a stream gave last, 0-0 before the first: where a reader that wants only what comes next begins."""
