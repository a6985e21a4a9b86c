"""What can be wrong on the HLS side.

HlsError
├── DirectiveError   a delivery directive in a playlist's query can't be honoured: HTTP 400
└── ChunkOrderError  chunks of one rendition came in an order in which no bus can have them
"""

from __future__ import annotations


class HlsError(Exception):
    """Base of everything this package raises."""


class DirectiveError(HlsError):
    """A delivery directive is malformed (RFC 8216bis 6.2.5). `name` is the query parameter."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name}: {reason}")


class ChunkOrderError(HlsError):
    """A chunk lies before the newest one of its rendition. Both are given as (MSN, part)."""

    def __init__(self, newest: tuple[int, int], got: tuple[int, int]) -> None:
        self.newest = newest
        self.got = got
        super().__init__(f"chunk {got[0]}.{got[1]} after {newest[0]}.{newest[1]}")
