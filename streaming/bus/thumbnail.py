"""A live broadcast's picture for lists, JPEG, on the *state* Valkey: there while its key frame is young enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streaming.bus.layout import Call, Script, key, nothing, small

MAX_AGE_MS = 30_000
"""A key frame that is older is shown to nobody."""

_GET = Script("""
local picture = redis.call('GET', KEYS[1])
if not picture then return nil end
return {picture, redis.call('PTTL', KEYS[1])}
""")

_CLAIM = small("return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1])")


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG, and how long it may still be shown."""

    picture: bytes
    fresh_ms: int


def put(broadcast: str, picture: bytes, *, age_ms: int) -> Call[None]:
    """Leaves a picture whose key frame is `age_ms` old, less than MAX_AGE_MS, for as long as it may be shown."""
    return Call(arguments=("SET", _name(broadcast), picture, "PX", MAX_AGE_MS - age_ms), parse=nothing)


def get(broadcast: str) -> Call[Thumbnail | None]:
    """The newest picture, None if there is none that is young enough."""

    def parse(reply: Any) -> Thumbnail | None:
        return Thumbnail(picture=bytes(reply[0]), fresh_ms=int(reply[1])) if reply else None

    return Call(arguments=(), parse=parse, script=_GET, keys=(_name(broadcast),))


def claim(broadcast: str, *, for_ms: int) -> Call[bool]:
    """Whether the caller, of several dispatchers, is to order the next picture. On the *media bus*."""
    return Call(arguments=(for_ms,), parse=bool, script=_CLAIM, keys=(key(broadcast, "pictured"),))


def _name(broadcast: str) -> str:
    return f"thumbnail:{broadcast}"
