"""Where a room lies on the state Valkey. Pure: no client, no clock.

All keys of a room share one hash slot, so that one Lua call may touch them together:

| key | type | what |
| --- | --- | --- |
| `{room:<id>}:facts` | hash | `revision`, `json` of `facts.Facts` |
| `{room:<id>}:member:<user>` | hash | `n` counts changes, `s` is the packed `standing.Standing`; kept KNOWN_MS |
| `{room:<id>}:head` | hash | `epoch`, `offset`, `hidden`: the last numbers given; `started`: when Valkey did |
| `{room:<id>}:log` | stream | entry `<offset>-0`: `k` kind, `t` Unix ms, `j` record, `s` numbers left out before it |
| `{room:<id>}:hidden` | stream | messages a busy room did not show, numbered apart |
| `{room:<id>}:times:<user>` | list | when the user last spoke, newest first |
| `{room:<id>}:said:<user>:<digest>` | string | the user said this within the last REPEAT_MS |
| `{room:<id>}:unique:<digest>` | string | anybody said this within the last UNIQUE_MS |
| `{room:<id>}:tempo:<second>` | string | messages in this second of the Unix epoch |
| `{room:<id>}:present:<window>` | HyperLogLog | who is in the room |
| `{person:<id>}:live` | sharded channel | records for one person, in all their sockets |
| `{room:<id>}:live` | sharded channel | `<kind><offset>+<left out> <record>`, or `e <record>` for what is not kept |
"""

from __future__ import annotations

from hashlib import blake2b

from streaming.bus.layout import key

KEEP_RECORDS = 20_000
"""A log has at most so many records, none older than KEEP_MS."""
KEEP_MS = 24 * 3600 * 1000
KNOWN_MS = 120_000
"""Facts and standings are read from PostgreSQL again after this long, should a change not have reached Valkey."""
REPEAT_MS = 30_000
UNIQUE_MS = 600_000
JUMP = 1 << 20
"""Numbers left out after a start of Valkey: it may have lost records whose numbers viewers have seen."""
SAMPLE_ABOVE = 100
"""Messages a second from which a room shows a sample."""

MESSAGE = b"m"
CONTROL = b"c"
EPHEMERAL = b"e"


def room_key(room: str, *parts: str) -> str:
    """A key in the room's hash slot."""
    return key(f"room:{room}", *parts)


def channel(room: str) -> str:
    """The sharded pub/sub channel of the room; its name has the room's slot."""
    return room_key(room, "live")


def line(user: str) -> str:
    """The sharded pub/sub channel of what one person alone is told."""
    return key(f"person:{user}", "live")


def digest(text: str) -> str:
    """Names a text in a key: same words in whatever case and spacing, same digest."""
    return blake2b(" ".join(text.casefold().split()).encode(), digest_size=12).hexdigest()
