"""What went wrong with a broadcast's transcoding, for its streamer and the admin: who gave up what, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streaming.bus.layout import RETENTION_MS, Call, key, small
from streaming.bus.tasks import KEEP_TASK_MS, task_key

KEEP_TROUBLES = 50
"""How many of a broadcast are remembered: of more the oldest go first."""

_NOTE = small("""
if redis.call('HSETNX', KEYS[1], 'noted:' .. ARGV[1], ARGV[3]) == 0 then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[5], '*', 'r', ARGV[1], 'm', ARGV[2], 'w', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 1
""")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A rendition's segment that became GAP, wholly or from some part on. `why` is the dispatcher's word for it;
    `at_ms` is the bus's."""

    at_ms: int
    rendition: str
    msn: int
    why: str


def note(broadcast: str, msn: int, rendition: str, why: str) -> Call[bool]:
    """Remembers that a rendition's segment was given up; of several that say so of one, the first is believed."""
    return Call(
        arguments=(rendition, msn, why, KEEP_TASK_MS, KEEP_TROUBLES, RETENTION_MS),
        parse=bool,
        script=_NOTE,
        keys=(task_key(broadcast, msn), key(broadcast, "troubles")),
    )


def recent(broadcast: str) -> Call[list[Trouble]]:
    """The last troubles of a broadcast, newest first; gone ten minutes after the last one."""

    def parse(reply: list[Any]) -> list[Trouble]:
        return [
            Trouble(int(entry.partition(b"-")[0]), fields[1].decode(), int(fields[3]), fields[5].decode())
            for entry, fields in reply
        ]

    return Call(
        arguments=("XREVRANGE", key(broadcast, "troubles"), "+", "-", "COUNT", KEEP_TROUBLES),
        parse=parse,
    )
