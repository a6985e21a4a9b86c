"""Who watches: distinct viewers of a broadcast and of each rendition, on the *state* Valkey.

A player reports every 10 s. Each report puts its viewer's id into the HyperLogLog of the present 2 s window; who is in
the present window or one of the six before it is watching. So a viewer who reports each 10 s never drops out, even
2 s late, a new one counts at once, and one who left is gone after 12 to 14 s. HyperLogLogs cost 12 kB however many
watch, are exact to about 1 %, and count a person with ten tabs (one id) once.

Ids are chosen by the player, so the only bound on inventing them is the address: at most `IDS_PER_ADDRESS` ids of one
address count at a time, and one that left makes room for another after 14 s. Times are Unix ms of the caller, whose
clock may be off by a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streaming.bus.layout import Call, Script, key

WINDOW_MS = 2_000
WINDOWS = 7
IDS_PER_ADDRESS = 64
_KEEP_MS = (WINDOWS + 1) * WINDOW_MS


@dataclass(frozen=True, slots=True)
class Report:
    """What a player tells: how far behind live it plays (None if it can't say), and what went wrong since its last."""

    viewer: str
    rendition: str
    latency_ms: int | None = None
    stalls: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Quality:
    """The reports of the last 12 to 14 s, summed: `latency_ms` is the mean of those that told it, None without any."""

    reports: int
    latency_ms: int | None
    stalls: int
    errors: int


_BEAT = Script("""
local viewer, rendition, keep_ms, most, now, gone = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[9], ARGV[10]
local last = redis.call('ZSCORE', KEYS[1], viewer)
local known = last and tonumber(last) > tonumber(gone)
if not known and redis.call('ZCOUNT', KEYS[1], '(' .. gone, '+inf') >= most then return 0 end
redis.call('ZADD', KEYS[1], now, viewer) -- the first write: at the memory bound it is refused
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', gone)
redis.call('PEXPIRE', KEYS[1], keep_ms)
redis.call('PFADD', KEYS[2], viewer)
redis.call('PEXPIRE', KEYS[2], keep_ms)
redis.call('PFADD', KEYS[3], viewer)
redis.call('PEXPIRE', KEYS[3], keep_ms)
redis.call('HINCRBY', KEYS[4], 'reports', 1)
for i, name in ipairs({'timed', 'latency_ms', 'stalls', 'errors'}) do
  redis.call('HINCRBY', KEYS[4], name, ARGV[4 + i])
end
redis.call('PEXPIRE', KEYS[4], keep_ms)
return 1
""")

_QUALITY = Script("""
local sums = {0, 0, 0, 0, 0}
for _, key in ipairs(KEYS) do
  local values = redis.call('HMGET', key, 'reports', 'timed', 'latency_ms', 'stalls', 'errors')
  for i = 1, 5 do sums[i] = sums[i] + tonumber(values[i] or '0') end
end
return sums
""")


def beat(broadcast: str, report: Report, *, address: str, now_ms: int) -> Call[bool]:
    """Counts a viewer until 12 to 14 s from now. False, and not counted, if the address has too many ids already."""
    window = str(now_ms // WINDOW_MS)
    return Call(
        arguments=(
            report.viewer,
            report.rendition,
            _KEEP_MS,
            IDS_PER_ADDRESS,
            int(report.latency_ms is not None),
            report.latency_ms or 0,
            report.stalls,
            report.errors,
            now_ms,
            now_ms - WINDOWS * WINDOW_MS,
        ),
        parse=bool,
        script=_BEAT,
        keys=(
            key(broadcast, "viewers", "address", address),
            key(broadcast, "viewers", "all", window),
            key(broadcast, "viewers", "rendition", report.rendition, window),
            key(broadcast, "viewers", "quality", window),
        ),
    )


def count(broadcast: str, *, now_ms: int) -> Call[int]:
    """How many distinct viewers watch the broadcast."""
    return Call(arguments=("PFCOUNT", *_windows(broadcast, ("all",), now_ms)), parse=int)


def count_of(broadcast: str, rendition: str, *, now_ms: int) -> Call[int]:
    """How many distinct viewers watch one rendition. Who has just switched counts in both for up to 14 s."""
    return Call(arguments=("PFCOUNT", *_windows(broadcast, ("rendition", rendition), now_ms)), parse=int)


def counts(broadcasts: Sequence[str], *, now_ms: int) -> list[Call[int]]:
    """`count` of many broadcasts, for one `run_all`."""
    return [count(broadcast, now_ms=now_ms) for broadcast in broadcasts]


def quality(broadcast: str, *, now_ms: int) -> Call[Quality]:
    """How the broadcast plays at its viewers."""

    def parse(reply: Any) -> Quality:
        reports, timed, latency_ms, stalls, errors = (int(value) for value in reply)
        mean = latency_ms // timed if timed else None
        return Quality(reports=reports, latency_ms=mean, stalls=stalls, errors=errors)

    return Call(arguments=(), parse=parse, script=_QUALITY, keys=_windows(broadcast, ("quality",), now_ms))


def _windows(broadcast: str, name: tuple[str, ...], now_ms: int) -> tuple[str, ...]:
    newest = now_ms // WINDOW_MS
    return tuple(key(broadcast, "viewers", *name, str(newest - back)) for back in range(WINDOWS))
