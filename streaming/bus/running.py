"""Which ladder renditions run, and from which segment on: the dispatcher's answer to `demand`."""

from __future__ import annotations

from streaming.bus.layout import RETENTION_MS, Call, key, small

_MOVE = small("""
local from = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if from ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
""")

_STOP = small("""
if (redis.call('HGET', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
""")


def start(broadcast: str, rendition: str, msn: int) -> Call[bool]:
    """Says that the rendition runs from segment `msn` on, unless it runs already."""
    return _move(broadcast, rendition, "", msn)


def start_later(broadcast: str, rendition: str, *, than: int, msn: int) -> Call[bool]:
    """Says that the rendition, which was to run from `than` on but never came to it, runs from `msn` on."""
    return _move(broadcast, rendition, str(than), msn)


def stop(broadcast: str, rendition: str, *, last_wanted_ms: int | None) -> Call[bool]:
    """Says that the rendition runs no more, unless somebody asked for it after `last_wanted_ms`."""
    return Call(
        arguments=(rendition, "" if last_wanted_ms is None else last_wanted_ms),
        parse=bool,
        script=_STOP,
        keys=(key(broadcast, "running"), key(broadcast, "wanted")),
    )


def shed(broadcast: str, rendition: str) -> Call[bool]:
    """Says that the rendition runs no more, whoever asks for it."""
    return Call(arguments=("HDEL", key(broadcast, "running"), rendition), parse=bool)


def _move(broadcast: str, rendition: str, expected: str, msn: int) -> Call[bool]:
    return Call(
        arguments=(rendition, expected, msn, RETENTION_MS),
        parse=bool,
        script=_MOVE,
        keys=(key(broadcast, "running"),),
    )
