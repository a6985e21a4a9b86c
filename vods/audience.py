"""Who has watched a VOD or a clip: distinct viewers, on the *state* Valkey.

A player reports once it has played for some seconds. Each report puts its viewer's id into the HyperLogLog of the VOD;
one that it did not hold is another viewer. It goes 30 days after the last report, so somebody who comes back after that
counts again. At most `IDS_PER_ADDRESS` ids of one address count a day. 12 kB at most for each VOD that is watched.
"""

from __future__ import annotations

import logging
from uuid import UUID

from streaming import on_air
from streaming.bus.errors import BusError
from streaming.bus.layout import Call, Script, key

KEEP_MS = 30 * 86_400_000
DAY_MS = 86_400_000
IDS_PER_ADDRESS = 64

logger = logging.getLogger(__name__)

_REPORT = Script("""
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[4]) then return 0 end
local new = redis.call('PFADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if new == 1 then
  redis.call('INCR', KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3], 'NX')
end
return new
""")


def report(subject: UUID, viewer: str, *, address: str) -> Call[bool]:
    """Notes that a viewer watches; true if this one is new."""
    name = str(subject)
    return Call(
        arguments=(viewer, KEEP_MS, DAY_MS, IDS_PER_ADDRESS),
        parse=bool,
        script=_REPORT,
        keys=(key(name, "watched", "all"), key(name, "watched", "address", address)),
    )


def is_new_viewer(subject: UUID, viewer: str, *, address: str) -> bool:
    """Whether another viewer watches; while the state Valkey is away nobody is counted."""
    try:
        return on_air.state().run(report(subject, viewer, address=address))
    except BusError as error:
        logger.warning("a viewer was not counted: %s", error)
        return False
