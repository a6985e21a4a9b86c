"""What the processes tell each other through the bus's `events` stream."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeAlias

from streaming.bus.layout import EVENTS, KEEP_EVENTS, NEWEST, Call, nothing, small


@dataclass(frozen=True, slots=True)
class BroadcastStarted:
    kind: ClassVar[str] = "broadcast.started"
    broadcast: str


@dataclass(frozen=True, slots=True)
class BroadcastReconnecting:
    kind: ClassVar[str] = "broadcast.reconnecting"
    broadcast: str


@dataclass(frozen=True, slots=True)
class BroadcastResumed:
    kind: ClassVar[str] = "broadcast.resumed"
    broadcast: str


@dataclass(frozen=True, slots=True)
class BroadcastHasEnded:
    kind: ClassVar[str] = "broadcast.ended"
    broadcast: str


@dataclass(frozen=True, slots=True)
class SegmentOpened:
    """The first chunk of segment `msn` was appended to the leading rendition; `dts` in its timescale."""

    kind: ClassVar[str] = "segment.opened"
    broadcast: str
    msn: int
    dts: int
    wall_ms: int


@dataclass(frozen=True, slots=True)
class SegmentFailed:
    """An attempt at transcoding segment `msn` has failed."""

    kind: ClassVar[str] = "segment.failed"
    broadcast: str
    msn: int


@dataclass(frozen=True, slots=True)
class RenditionWanted:
    """A player asked for a rendition that doesn't run."""

    kind: ClassVar[str] = "rendition.wanted"
    broadcast: str
    rendition: str


@dataclass(frozen=True, slots=True)
class WorkWanted:
    """Durable work is to be done: the workflow of this kind on this subject (a VOD's or clip's id). Its row in the
    database says so too, so that a lost event costs seconds only."""

    kind: ClassVar[str] = "work.wanted"
    workflow: str
    subject: str


BroadcastEvent: TypeAlias = (
    BroadcastStarted
    | BroadcastReconnecting
    | BroadcastResumed
    | BroadcastHasEnded
    | SegmentOpened
    | SegmentFailed
    | RenditionWanted
)
Event: TypeAlias = BroadcastEvent | WorkWanted
_KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        BroadcastStarted,
        BroadcastReconnecting,
        BroadcastResumed,
        BroadcastHasEnded,
        SegmentOpened,
        SegmentFailed,
        RenditionWanted,
        WorkWanted,
    )
}


def pack_event(event: Event) -> str:
    return json.dumps({"kind": event.kind, **asdict(event)}, separators=(",", ":"))


def unpack_event(packed: bytes) -> Event | None:
    """The event, or None for a kind that this version doesn't know."""
    values = json.loads(packed)
    kind = _KINDS.get(values.pop("kind", ""))
    return kind(**values) if kind else None


_PUBLISH = small("redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'e', ARGV[2])")


def publish(event: Event) -> Call[None]:
    return Call(arguments=(KEEP_EVENTS, pack_event(event)), parse=nothing, script=_PUBLISH, keys=(EVENTS,))


def newest_id() -> Call[bytes]:
    """The id of the newest event: where a reader that wants only what comes next begins."""
    return Call(arguments=(), parse=bytes, script=NEWEST, keys=(EVENTS,))


def read_events(after: bytes, *, block_ms: int, count: int = 1_000) -> Call[list[tuple[bytes, Event | None]]]:
    """`(id, event)` after id `after`, oldest first; waits up to `block_ms` (1 to 1,000) for the first."""
    return Call(
        arguments=("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", EVENTS, after),
        parse=_events,
        blocking=True,
    )


def _events(reply: Any) -> list[tuple[bytes, Event | None]]:
    if not reply:
        return []
    return [(entry, unpack_event(fields[1])) for entry, fields in reply[0][1]]
