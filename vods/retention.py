"""Which VODs are to go, and when: what a channel chose to keep for so long, or until nobody watches it, and what its
quota has no room for. Pure.

Nothing goes without a warning a week before; what is marked as kept stays. It is reckoned anew each day, so whoever
makes room, keeps a VOD or changes the settings meanwhile has changed his mind in time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

WARNED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Held:
    """A VOD that takes `size` bytes. `expires_at` and `warned_at` are what a day before decided, if anything.

    `ends_at` is when nobody will have watched it for too long, where its channel lets such VODs go.
    """

    vod: Hashable
    ready_at: datetime
    size: int
    kept: bool
    expires_at: datetime | None
    warned_at: datetime | None
    ends_at: datetime | None = None


class Verdict(Enum):
    WARN = auto()
    """It goes at the time given; its streamer is to be told."""
    GO = auto()
    """Its time has come, and its streamer was told."""
    STAY = auto()
    """It was to go, and is not any more."""


def decide(
    vods: Iterable[Held], *, retention: timedelta | None, quota: int | None, now: datetime
) -> list[tuple[Hashable, Verdict, datetime]]:
    """What changes today for a channel's VODs, the oldest first, and when each that is to go goes."""
    ordered = sorted(vods, key=lambda held: held.ready_at)
    # What goes for its age makes room, too.
    excess = sum(held.size for held in ordered) - quota if quota is not None else 0
    changes: list[tuple[Hashable, Verdict, datetime]] = []
    for held in ordered:
        due = _due(held, retention=retention, over=excess > 0, now=now)
        if due is None:
            if held.warned_at is not None:
                changes.append((held.vod, Verdict.STAY, now))
            continue
        excess -= held.size
        if held.warned_at is None or held.expires_at is None:
            changes.append((held.vod, Verdict.WARN, max(due, now + WARNED_FOR)))
        elif held.expires_at < due and now < due:
            # Its streamer has given it more time since, though not so much that it would be out of danger.
            changes.append((held.vod, Verdict.WARN, due))
        elif held.expires_at <= now:
            changes.append((held.vod, Verdict.GO, now))
    return changes


def _due(held: Held, *, retention: timedelta | None, over: bool, now: datetime) -> datetime | None:
    """When it is to go, if that is near enough to be told."""
    if held.kept:
        return None
    if over:
        return now
    ends = [held.ready_at + retention] if retention is not None else []
    if held.ends_at is not None:
        ends.append(held.ends_at)
    first = min(ends, default=None)
    return first if first is not None and first <= now + WARNED_FOR else None
