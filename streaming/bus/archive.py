"""What the archive tells the bus, and reads from it."""

from __future__ import annotations

from typing import Any

from streaming.bus.layout import RETENTION_MS, Call, Script, key, nothing, small
from streaming.media import Description

_HOLD = small("""
local held = tonumber(redis.call('HGET', KEYS[1], 'hold') or '-1')
if tonumber(ARGV[1]) <= held then return end
redis.call('HSET', KEYS[1], 'hold', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

_APPENDED = Script("""
local found = redis.call('ZRANGE', KEYS[1], ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, 1)
return found[1]
""")


def hold(broadcast: str, from_ms: int) -> Call[None]:
    """Asks the bus to keep what is appended from this time on, in its own ms, until a later hold lets it go.

    Before the first hold, and beyond `layout.KEEP_HELD_MS`, chunks go when they are `layout.KEEP_MS` old.
    """
    return Call(arguments=(from_ms, RETENTION_MS), parse=nothing, script=_HOLD, keys=(key(broadcast, "bytes"),))


def appended_ms(broadcast: str, rendition: str, msn: int) -> Call[int | None]:
    """When the rendition's first chunk of segment `msn`, or of the first known after it, came to the bus, in its ms."""

    def parse(reply: Any) -> int | None:
        return None if reply is None else int(reply.partition(b"-")[0])

    return Call(arguments=(msn,), parse=parse, script=_APPENDED, keys=(key(broadcast, "index", rendition),))


def leading(description: Description) -> str:
    """The rendition that decides on segments: source, or audio where there is no video."""
    return description.renditions[0].name
