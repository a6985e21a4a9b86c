"""A room's facts and the standing of who is in it, kept on Valkey so that every post can be held against the newest."""

from __future__ import annotations

from chat.bus import layout
from chat.bus.layout import room_key
from chat.bus.posting import APPEND
from chat.facts import Facts
from streaming.bus.layout import Call, Script

_PUT_FACTS = Script("""
local known = redis.call('HGET', KEYS[1], 'revision')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'json', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
""")

_PUT_STANDING = Script("""
if (redis.call('HGET', KEYS[1], 'n') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'n', ARGV[1], 's', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
""")

_FORGET_STANDING = Script(
    APPEND
    + """
redis.call('HINCRBY', KEYS[1], 'n', 1)
redis.call('HDEL', KEYS[1], 's')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
if ARGV[3] == '' then return 0 end
local offset = append(KEYS[2], KEYS[3], KEYS[4], now_ms(), ARGV[2], 'c', ARGV[3])
return offset
"""
)


def facts(room: str) -> Call[Facts | None]:
    """The newest facts, or None when nobody put any lately."""
    return Call(
        arguments=("HGET", room_key(room, "facts"), "json"),
        parse=lambda reply: Facts.unpack(reply) if reply else None,
    )


def put_facts(newest: Facts) -> Call[bool]:
    """Keeps facts read from PostgreSQL; false, and not kept, if there are newer ones."""
    return Call(
        script=_PUT_FACTS,
        keys=(room_key(newest.room, "facts"),),
        arguments=(str(newest.revision), newest.pack(), layout.KNOWN_MS),
        parse=bool,
    )


def standing(room: str, user: str) -> Call[tuple[int, str | None]]:
    """`(n, packed)`: how often the standing changed, and the standing unless it must be read from PostgreSQL."""
    return Call(
        arguments=("HMGET", room_key(room, "member", user), "n", "s"),
        parse=lambda reply: (int(reply[0] or 0), reply[1].decode() if reply[1] else None),
    )


def put_standing(room: str, user: str, *, changes: int, packed: str) -> Call[bool]:
    """Keeps a standing that was read from PostgreSQL after `standing` answered `changes`; false if it changed since."""
    return Call(
        script=_PUT_STANDING,
        keys=(room_key(room, "member", user),),
        arguments=(str(changes), packed, layout.KNOWN_MS),
        parse=bool,
    )


def forget_standing(room: str, user: str, *, epoch: str, body: str = "") -> Call[int]:
    """Notes that PostgreSQL has a new standing of the user and, in the same step, tells the room why (`body`).

    Answers the record's offset, 0 without one.
    """
    return Call(
        script=_FORGET_STANDING,
        keys=(
            room_key(room, "member", user),
            room_key(room, "head"),
            room_key(room, "log"),
            layout.channel(room),
        ),
        arguments=(layout.KNOWN_MS, epoch, body),
        parse=int,
    )
