"""Who is in a room: distinct people and anonymous sockets, counted and never listed.

Each process puts those it serves into the HyperLogLog of the present window every BEAT_S; who is in this window or the
one before is there. It costs 12 kB a window however many there are, and is exact to about 1 %.
"""

from __future__ import annotations

from collections.abc import Sequence

from chat.bus.layout import room_key
from streaming.bus.layout import Call, Script

BEAT_S = 15.0
WINDOW_MS = 30_000
MOST = 5_000
"""The most ids in one call: Lua's stack, and the time a call may take."""

_BEAT = Script("redis.call('PFADD', KEYS[1], unpack(ARGV, 2)) redis.call('PEXPIRE', KEYS[1], ARGV[1]) return 1")


def beat(room: str, ids: Sequence[str], *, now_ms: int) -> list[Call[None]]:
    """Counts ids as present for 30 to 60 s."""
    window = room_key(room, "present", str(now_ms // WINDOW_MS))
    return [
        Call(
            script=_BEAT,
            keys=(window,),
            arguments=(WINDOW_MS * 3, *ids[first : first + MOST]),
            parse=lambda _reply: None,
        )
        for first in range(0, len(ids), MOST)
    ]


def count(room: str, *, now_ms: int) -> Call[int]:
    """How many are in the room."""
    newest = now_ms // WINDOW_MS
    windows = (room_key(room, "present", str(newest - back)) for back in range(2))
    return Call(arguments=("PFCOUNT", *windows), parse=int)
