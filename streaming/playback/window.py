"""The parts of one rendition that are still on the bus, and where there: what URLs are answered from. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto

from streaming.media import Chunk, Closes

SEGMENTS = 128
"""The most segments remembered; the bus keeps no more in its index."""


@dataclass(slots=True)
class PartEntries:
    """A part's run of bus entries, from id `first` to id `last`, `size` bytes together."""

    first: bytes
    last: bytes
    size: int = 0
    whole: bool = False
    gap: bool = False


@dataclass(slots=True)
class SegmentEntries:
    """A segment's parts so far; `whole` once nothing can be added."""

    msn: int
    parts: list[PartEntries] = field(default_factory=list)
    whole: bool = False


class Placed(Enum):
    """Where a chunk went."""

    NOWHERE = auto()
    """It lies behind a hole, inside a segment whose start is unknown."""
    AFRESH = auto()
    """It begins the window anew: what was in it is gone."""
    NEW_PART = auto()
    SAME_PART = auto()


class Window:
    """Follows a rendition's chunks and tells which parts and segments are whole.

    Chunks come in the bus's order. A hole (trimmed before it was read, or a rendition that stopped and started
    again) begins the window anew, with the first segment that is seen from its start.
    """

    def __init__(self) -> None:
        self.segments: OrderedDict[int, SegmentEntries] = OrderedDict()
        """By MSN, without holes; bounded by SEGMENTS."""

    @property
    def newest_msn(self) -> int:
        """The segment that was appended to last, -1 before the first."""
        return next(reversed(self.segments), -1)

    def append(self, entry: bytes, chunk: Chunk, size: int) -> Placed:
        """Takes in the next chunk, `size` bytes long."""
        placed = self._place(chunk)
        if placed is Placed.NOWHERE or placed is Placed.AFRESH:
            self.segments.clear()
            if placed is Placed.NOWHERE:
                return placed
        segment = self.segments.get(chunk.msn)
        if segment is None:
            self.close()
            segment = self.segments[chunk.msn] = SegmentEntries(chunk.msn)
            while len(self.segments) > SEGMENTS:
                self.segments.popitem(last=False)
        if placed is not Placed.SAME_PART:
            if segment.parts:
                segment.parts[-1].whole = True
            segment.parts.append(PartEntries(entry, entry, gap=chunk.gap))
        part = segment.parts[-1]
        part.last = entry
        part.size += size
        part.whole = chunk.closes is not Closes.NOTHING
        segment.whole = chunk.closes is Closes.SEGMENT
        return placed

    def close(self) -> None:
        """The newest segment is whole: another begins, or the broadcast has ended."""
        if self.segments:
            newest = self.segments[self.newest_msn]
            newest.whole = True
            newest.parts[-1].whole = True

    def part(self, msn: int, part: int) -> PartEntries | None:
        """The part, None if it isn't here (yet)."""
        segment = self.segments.get(msn)
        return segment.parts[part] if segment and part < len(segment.parts) else None

    def is_due(self, msn: int, part: int) -> bool:
        """Whether the part is not whole yet, but being made, or the next to be."""
        newest = self.segments.get(self.newest_msn)
        if newest is None:
            return False
        if msn == newest.msn and not newest.whole:
            return part >= len(newest.parts) - 1 and part <= len(newest.parts) and not self._is_whole(newest, part)
        return msn == newest.msn + 1 and part == 0

    def _place(self, chunk: Chunk) -> Placed:
        afresh = Placed.AFRESH if chunk.part == 0 else Placed.NOWHERE
        newest = self.segments.get(self.newest_msn)
        if newest is None:
            return afresh
        last = len(newest.parts) - 1
        if (chunk.msn, chunk.part) == (newest.msn, last) and not newest.parts[last].whole:
            return Placed.SAME_PART
        follows = (chunk.msn, chunk.part) == (newest.msn, last + 1) and not newest.whole
        if follows or (chunk.msn, chunk.part) == (newest.msn + 1, 0):
            return Placed.NEW_PART
        return afresh

    @staticmethod
    def _is_whole(segment: SegmentEntries, part: int) -> bool:
        return part < len(segment.parts) and segment.parts[part].whole
