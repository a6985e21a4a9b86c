"""The players' call for a ladder rendition: it runs while somebody wants it."""

from __future__ import annotations

from typing import Any

from streaming.bus.events import RenditionWanted, pack_event
from streaming.bus.layout import EVENTS, KEEP_EVENTS, NOW, RETENTION_MS, Call, key, small

REPEAT_MS = 1_000
"""How often an idle rendition is called for anew, should the first event be lost with a dispatcher."""
REACH = 6
"""How many segments before the one that is open an idle rendition may be asked to begin at. DASH players ask for what
they would play next, which lies as far behind as they play (`dash.manifest.DELAY_TARGETS`) and up to 2 s more."""

_WANT = small(
    NOW
    + """
local rendition, now = ARGV[1], now_ms()
local first = redis.call('HGET', KEYS[2], rendition)
redis.call('HSET', KEYS[1], rendition, decimal(now))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if first then return first end
if ARGV[6] ~= '' then
  local asked, since = tonumber(ARGV[6]), tonumber(redis.call('HGET', KEYS[5], rendition) or -1)
  if since < 0 or asked < since or asked > since + tonumber(ARGV[7]) then
    redis.call('HSET', KEYS[5], rendition, ARGV[6])
  end
  redis.call('PEXPIRE', KEYS[5], ARGV[5])
end
local called = redis.call('HGET', KEYS[4], rendition)
if not called or now - tonumber(called) >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[4], rendition, decimal(now))
  redis.call('PEXPIRE', KEYS[4], ARGV[5])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'e', ARGV[4])
end
return -1
"""
)


def want(broadcast: str, rendition: str, *, since: int | None = None) -> Call[int | None]:
    """Notes that a player wants the rendition now, and announces `rendition.wanted` where it doesn't run.

    `since` is the first segment that the player needs, if that is known; of several players the one that is furthest
    behind decides, until the rendition runs or that is out of reach of who asks now. Answers the first MSN it runs
    from, None while it is idle.
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
            "" if since is None else since,
            REACH,
        ),
        parse=parse,
        script=_WANT,
        keys=(
            key(broadcast, "wanted"),
            key(broadcast, "running"),
            EVENTS,
            key(broadcast, "called"),
            key(broadcast, "since"),
        ),
    )
