"""Which ladder renditions run, and from which segment on: the dispatcher's answer to `demand`."""

from __future__ import annotations

from streaming.bus.layout import NOW, RETENTION_MS, Call, Script, key, nothing, small

REFUSED_MS = 5_000
"""How long a refusal counts: the dispatcher repeats it, and one that has died is not to be waited for."""

_MOVE = small("""
local from = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if from ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
""")

_STOP = small("""
if (redis.call('HGET', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
""")

_REFUSE = small(
    NOW
    + """
redis.call('HSET', KEYS[1], ARGV[1], decimal(now_ms()))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)

_REFUSED = Script(
    NOW
    + """
local now, refused = now_ms(), {}
local found = redis.call('HGETALL', KEYS[1])
for i = 1, #found, 2 do
  if now - tonumber(found[i + 1]) < tonumber(ARGV[1]) then refused[#refused + 1] = found[i] end
end
return refused
"""
)


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


def refuse(broadcast: str, rendition: str) -> Call[None]:
    """Says to those who ask for an idle rendition that it won't run: it need not be waited for. Counts REFUSED_MS."""
    return Call(arguments=(rendition, REFUSED_MS), parse=nothing, script=_REFUSE, keys=(key(broadcast, "refused"),))


def refused(broadcast: str) -> Call[frozenset[str]]:
    """The renditions that were refused in the last REFUSED_MS, and not started since."""
    return Call(
        arguments=(REFUSED_MS,),
        parse=lambda reply: frozenset(name.decode() for name in reply),
        script=_REFUSED,
        keys=(key(broadcast, "refused"),),
    )


def _move(broadcast: str, rendition: str, expected: str, msn: int) -> Call[bool]:
    return Call(
        arguments=(rendition, expected, msn, RETENTION_MS),
        parse=bool,
        script=_MOVE,
        keys=(key(broadcast, "running"), key(broadcast, "refused"), key(broadcast, "since")),
    )
