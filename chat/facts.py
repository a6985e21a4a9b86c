"""What a room is set to: everything a message is judged by that does not depend on its author. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A room's settings at one `revision`; a higher one is newer.

    `followers_minutes` is None when anyone may talk. `emotes` maps the channel's own names to their ids.
    """

    room: str
    login: str
    revision: int = 0
    slow_seconds: int = 0
    followers_minutes: int | None = None
    subscribers_only: bool = False
    emote_only: bool = False
    unique_chat: bool = False
    links_allowed: bool = True
    spam_filter: bool = True
    terms: tuple[str, ...] = ()
    emotes: Mapping[str, str]
    pinned: Mapping[str, Any] | None = None

    def pack(self) -> str:
        return json.dumps({**asdict(self), "emotes": dict(self.emotes)}, separators=(",", ":"), sort_keys=True)

    @classmethod
    def unpack(cls, packed: str | bytes) -> Facts:
        values = json.loads(packed)
        return cls(**{**values, "terms": tuple(values["terms"])})

    def modes(self) -> dict[str, Any]:
        """What clients are told of the room's modes."""
        return {
            "slow": self.slow_seconds,
            "followers": self.followers_minutes,
            "subscribers": self.subscribers_only,
            "emotes": self.emote_only,
            "unique": self.unique_chat,
        }
