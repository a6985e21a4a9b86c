"""Who somebody is in a room. Pure.

A standing's packed form is what the room keeps on Valkey: whoever posts shows the one they were judged by, and the
post is taken only if it is still the newest. So a ban counts from the moment it is written, in every process.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import IntEnum

NEVER = -1
"""A time that is not to come: not banned, not following, no subscriber."""
FOR_GOOD = 0
"""An end that is not to come."""


class Rank(IntEnum):
    """What somebody may do; each may do what those below may."""

    VIEWER = 0
    MODERATOR = 1
    BROADCASTER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One user in one room. Times are Unix ms; `subscribed_until` and `banned_until` may be NEVER or FOR_GOOD."""

    user: str
    login: str
    color: str
    rank: Rank = Rank.VIEWER
    vip: bool = False
    followed_at: int = NEVER
    subscribed_until: int = NEVER
    banned_until: int = NEVER

    def pack(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def unpack(cls, packed: str | bytes) -> Standing:
        """The standing again. Raises KeyError, TypeError or ValueError for anything else."""
        values = json.loads(packed)
        return cls(**{**values, "rank": Rank(values["rank"])})

    @property
    def moderates(self) -> bool:
        return self.rank >= Rank.MODERATOR

    def subscribes(self, now_ms: int) -> bool:
        return self.subscribed_until == FOR_GOOD or self.subscribed_until > now_ms

    def passes_first(self, now_ms: int) -> bool:
        """Whether a busy room shows all this person says."""
        return self.moderates or self.vip or self.subscribes(now_ms)

    def badges(self, now_ms: int) -> list[str]:
        """What stands before the name, most important first."""
        shown = []
        if self.rank is Rank.BROADCASTER:
            shown.append("broadcaster")
        elif self.rank is Rank.MODERATOR:
            shown.append("moderator")
        if self.vip and not self.moderates:
            shown.append("vip")
        if self.subscribes(now_ms):
            shown.append("subscriber")
        return shown
