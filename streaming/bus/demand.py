"""The players' call for a ladder rendition: it runs while somebody wants it."""

from __future__ import annotations

from typing import Any

from streaming.bus.events import RenditionWanted, pack_event
from streaming.bus.layout import EVENTS, KEEP_EVENTS, NOW, RETENTION_MS, Call, key, small

REPEAT_MS = 1_000
"""How often an idle rendition is called for anew, should the first event be lost with a dispatcher."""

_WANT = small(
    NOW
    + """
local rendition, now = ARGV[1], now_ms()
local first = redis.call('HGET', KEYS[2], rendition)
redis.call('HSET', KEYS[1], rendition, decimal(now))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if first then return first end
local called = redis.call('HGET', KEYS[4], rendition)
if not called or now - tonumber(called) >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[4], rendition, decimal(now))
  redis.call('PEXPIRE', KEYS[4], ARGV[5])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'e', ARGV[4])
end
return -1
"""
)


def want(broadcast: str, rendition: str) -> Call[int | None]:
    """Notes that a player wants the rendition now, and announces `rendition.wanted` where it doesn't run.

    Answers the first MSN it runs from, None while it is idle.
    """

    def parse(reply: Any) -> int | None:
        first = int(reply)
        return None if first < 0 else first

    return Call(
        arguments=(
            rendition,
            REPEAT_MS,
            KEEP_EVENTS,
            pack_event(RenditionWanted(broadcast=broadcast, rendition=rendition)),
            RETENTION_MS,
        ),
        parse=parse,
        script=_WANT,
        keys=(key(broadcast, "wanted"), key(broadcast, "running"), EVENTS, key(broadcast, "called")),
    )
