"""A strict reader of HLS playlists: it takes nothing for granted, and fails on the first rule that is broken.

The rules are RFC 8216bis's and this project's own, which are narrower (fixed PART-TARGET and TARGETDURATION, names of
URIs, a PROGRAM-DATE-TIME on every segment). Shares no code with the writer.

`Reader` follows one media playlist over its reloads: it merges delta updates and checks that what was served once
never changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .media import parse_media
from .multivariant import Multivariant, Variant, parse_multivariant
from .playlist import MediaPlaylist, Part, Segment
from .rules import unchanged
from .syntax import RuleBrokenError

__all__ = [
    "MediaPlaylist",
    "Multivariant",
    "Part",
    "Reader",
    "RuleBrokenError",
    "Segment",
    "Variant",
    "parse_media",
    "parse_multivariant",
    "unchanged",
]


@dataclass
class Reader:
    """Reads one media playlist again and again. `take` gives the playlist as a player sees it, deltas merged."""

    latest: MediaPlaylist | None = None
    texts: list[str] = field(default_factory=list)

    def take(self, text: str) -> MediaPlaylist:
        self.texts = [*self.texts[-4:], text]
        playlist = parse_media(text, previous=self.latest)
        if self.latest is not None:
            unchanged(self.latest, playlist)
        self.latest = playlist
        return playlist
