"""Reading a room's log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chat.bus import layout
from chat.bus.layout import room_key
from streaming.bus.layout import Call, Script

MOST = 2_000
"""The most records one call reads."""


@dataclass(frozen=True, slots=True)
class Record:
    """An entry of the log: `kind` is MESSAGE or CONTROL, `text` its JSON; `left_out` numbers before it have none."""

    offset: int
    kind: bytes
    text: str
    left_out: int = 0

    def follows(self, offset: int) -> bool:
        """Whether nothing is missing between a record and this one."""
        return self.reaches(offset) and offset < self.offset

    def reaches(self, offset: int) -> bool:
        """Whether a run of records that begins with this one has all after another."""
        return self.offset - 1 - self.left_out <= offset


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a room's log, oldest first, and where the room stands."""

    epoch: str
    offset: int
    records: tuple[Record, ...]


_TAIL = Script("""
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local found = {}
if tonumber(ARGV[2]) > 0 then found = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[2]) end
return {redis.call('HGET', KEYS[1], 'epoch'), redis.call('HGET', KEYS[1], 'offset') or '0', found}
""")

_AFTER = Script("""
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local found = redis.call('XRANGE', KEYS[2], '(' .. ARGV[2] .. '-0', '+', 'COUNT', ARGV[3])
return {redis.call('HGET', KEYS[1], 'epoch'), redis.call('HGET', KEYS[1], 'offset') or '0', found}
""")


def tail(room: str, *, count: int, epoch: str) -> Call[Tail]:
    """The last `count` records. `epoch`: 15 random hexadecimal digits, the room's should it have none."""
    return Call(
        script=_TAIL,
        keys=(room_key(room, "head"), room_key(room, "log")),
        arguments=(epoch, min(count, MOST)),
        parse=lambda reply: _tail(reply, newest_first=True),
    )


def after(room: str, offset: int, *, epoch: str, count: int = MOST) -> Call[Tail]:
    """The first `count` records after `offset`."""
    return Call(
        script=_AFTER,
        keys=(room_key(room, "head"), room_key(room, "log")),
        arguments=(epoch, offset, count),
        parse=lambda reply: _tail(reply, newest_first=False),
    )


def record(room: str, offset: int) -> Call[str | None]:
    """One record's JSON, or None when it is gone."""
    at = f"{offset}-0"
    return Call(
        arguments=("XRANGE", room_key(room, "log"), at, at),
        parse=lambda reply: _record(reply[0]).text if reply else None,
    )


def first(room: str, offset: int) -> Call[Record | None]:
    """The oldest record of an offset or later, None when there is none."""
    return Call(
        arguments=("XRANGE", room_key(room, "log"), f"{offset}-0", "+", "COUNT", 1),
        parse=lambda reply: _record(reply[0]) if reply else None,
    )


def newest_offset(room: str) -> Call[int]:
    """The last offset given, 0 before the first."""
    return Call(arguments=("HGET", room_key(room, "head"), "offset"), parse=lambda reply: int(reply or 0))


def epoch(room: str) -> Call[str | None]:
    """The room's epoch, None before its first record."""
    return Call(
        arguments=("HGET", room_key(room, "head"), "epoch"), parse=lambda reply: reply.decode() if reply else None
    )


def _tail(reply: Any, *, newest_first: bool) -> Tail:
    name, offset, entries = reply
    records = [_record(entry) for entry in entries]
    if newest_first:
        records.reverse()
    return Tail(name.decode(), int(offset), tuple(records))


def _record(entry: Any) -> Record:
    at, fields = entry
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    return Record(int(at.partition(b"-")[0]), values[b"k"], values[b"j"].decode(), left_out=int(values.get(b"s", 0)))


def unpack_live(payload: bytes) -> Record:
    """A payload of the room's channel; offset 0 for what is not kept."""
    head, _, text = payload.partition(b" ")
    kind, numbers = head[:1], head[1:]
    if kind == layout.EPHEMERAL:
        return Record(0, kind, text.decode())
    offset, _, left_out = numbers.partition(b"+")
    return Record(int(offset), kind, text.decode(), left_out=int(left_out))
