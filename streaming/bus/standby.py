"""Hot standby: a second attempt at a segment that publishes nothing until the first is lost and it takes its place.

A segment has at most one. Its token is the newest of no rendition until `promote` makes it so, in place of the token
of the attempt that was lost; from then on it is an attempt like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streaming.bus.layout import EPOCH, NOW, Call, Progress, key, small
from streaming.bus.tasks import KEEP_TASK_MS, task_key

_ORDER = small(
    NOW
    + """
local epoch = redis.call('GET', KEYS[2])
if not epoch or redis.call('HEXISTS', KEYS[1], 'counter') == 0 then return '' end
if redis.call('HEXISTS', KEYS[1], 'second') == 1 then return '' end
local token = epoch .. ':' .. redis.call('HINCRBY', KEYS[1], 'counter', 1)
redis.call('HSET', KEYS[1], 'second', token, 'standby:' .. token, ARGV[3], 'device:' .. token, ARGV[1],
           'ordered:' .. token, decimal(now_ms()))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return token
"""
)

_PROMOTE = small("""
local token = ARGV[1]
if redis.call('HEXISTS', KEYS[1], 'standby:' .. token) == 0 then return 0 end
for i = 2, #ARGV, 2 do
  local held = redis.call('HMGET', KEYS[1], 'token:' .. ARGV[i], 'done:' .. ARGV[i])
  if held[2] or held[1] ~= ARGV[i + 1] then return 0 end
end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], 'token:' .. ARGV[i], token) end
redis.call('HDEL', KEYS[1], 'standby:' .. token)
redis.call('HSET', KEYS[1], 'again:' .. token, 1)
return 1
""")

_WATCH = small("""
local token = ARGV[1]
local reply = {redis.call('HEXISTS', KEYS[1], 'standby:' .. token)}
for i = 2, #ARGV do
  local held = redis.call('HMGET', KEYS[1], 'token:' .. ARGV[i], 'done:' .. ARGV[i])
  reply[#reply + 1] = ARGV[i]
  reply[#reply + 1] = (held[2] and 'done') or (held[1] == token and 'mine') or 'theirs'
  reply[#reply + 1] = redis.call('HGET', KEYS[2], ARGV[i]) or ''
end
return reply
""")


@dataclass(frozen=True, slots=True)
class Watch:
    """What a standby sees: whether it still stands by, which renditions are its own by now, which are done, and how
    far each has come."""

    waiting: bool
    mine: frozenset[str]
    done: frozenset[str]
    progress: dict[str, Progress | None]

    @property
    def promoted(self) -> bool:
        return bool(self.mine)

    @property
    def over(self) -> bool:
        """Whether nobody needs it (any more)."""
        return not self.mine and (not self.waiting or len(self.done) == len(self.progress))


def order(broadcast: str, msn: int, renditions: Sequence[str], *, device: str) -> Call[str | None]:
    """Orders the segment's standby for these renditions on `device`, and answers its token; None if it has one, or no
    attempt at all."""
    return Call(
        arguments=(device, KEEP_TASK_MS, " ".join(renditions)),
        parse=lambda reply: reply.decode() or None,
        script=_ORDER,
        keys=(task_key(broadcast, msn), EPOCH),
    )


def promote(broadcast: str, msn: int, token: str, expected: Mapping[str, str]) -> Call[bool]:
    """Gives a standby the renditions in `expected`, if each still has the token it is believed to have, and isn't
    done."""
    pairs = [text for pair in expected.items() for text in pair]
    return Call(arguments=(token, *pairs), parse=bool, script=_PROMOTE, keys=(task_key(broadcast, msn),))


def watch(broadcast: str, msn: int, token: str, renditions: Sequence[str]) -> Call[Watch]:
    """How the attempt that a standby stands by for does, in these renditions."""

    def parse(reply: list[Any]) -> Watch:
        rows = [
            (name.decode(), state.decode(), Progress.unpack(packed) if packed else None)
            for name, state, packed in zip(reply[1::3], reply[2::3], reply[3::3], strict=True)
        ]
        return Watch(
            waiting=bool(reply[0]),
            mine=frozenset(name for name, state, _ in rows if state == "mine"),
            done=frozenset(name for name, state, _ in rows if state == "done"),
            progress={name: progress for name, _, progress in rows},
        )

    return Call(
        arguments=(token, *renditions),
        parse=parse,
        script=_WATCH,
        keys=(task_key(broadcast, msn), key(broadcast, "progress")),
    )
