"""One rendition's live window: chunks in, and what playlists list out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from streaming.media import Chunk, Closes

from .directives import Directives
from .errors import ChunkOrderError
from .segment import Part, Segment

WINDOW_MS = 40_000
"""Media that a live playlist lists, at least. A segment must stay loadable for as long as the longest playlist that
had it, after it slid out (RFC 8216bis 6.2.2): twice this is just under the 90 s that the media bus keeps."""
MAX_SEGMENTS = 128
MAX_PARTS = 64
"""Bounds for a rendition gone mad. Of two neighbouring parts of a segment one at least is longer than half of
PART-TARGET, so the longest segment, 10.49 s, has at most 53."""
ADVANCE_LIMIT = 2
"""A request for a segment more than two ahead is an error (RFC 8216bis 6.2.5.2)."""


class Answer(Enum):
    """What to do with a request for a media playlist."""

    READY = auto()
    WAIT = auto()
    REFUSE = auto()
    """It asks for a segment too far ahead: HTTP 400."""


class Timeline:
    """Keeps the segments of one rendition, in the bus's order, as its media playlist lists them.

    A part is listed once it is whole: when its chunk says so, or when another part begins. Where numbers skip (the
    rendition stopped and runs again), the window begins anew. What was listed never changes: segments are appended,
    and slide out in front.
    """

    def __init__(self, *, timescale: int, part_target_ms: int, window_ms: int = WINDOW_MS) -> None:
        self.timescale = timescale
        self.part_target_ms = part_target_ms
        self.part_target = part_target_ms * timescale // 1000
        """PART-TARGET in ticks."""
        self._window = window_ms * timescale // 1000
        self._segments: deque[Segment] = deque()
        self._part: Part | None = None
        self.ended = False
        """Whether nothing will be appended any more (EXT-X-ENDLIST)."""
        self.version = 0
        """Changes whenever the playlist does."""

    @property
    def segments(self) -> Sequence[Segment]:
        """The window, oldest first. All but the last are closed; the last may have no whole part yet."""
        return self._segments

    @property
    def has_begun(self) -> bool:
        """Whether a playlist may be served: a segment is whole. One with parts alone is an error to players."""
        return bool(self._segments) and self._segments[0].closed

    @property
    def newest(self) -> tuple[int, int] | None:
        """MSN and number of the newest listed part (EXT-X-RENDITION-REPORT), None before the first."""
        for segment in reversed(self._segments):
            listed = len(segment.listed(self.part_target))
            if listed or segment.closed:
                return segment.msn, max(0, listed - 1)
        return None

    @property
    def next_part(self) -> tuple[int, int]:
        """MSN and number of the part that comes next, as far as is known (EXT-X-PRELOAD-HINT)."""
        if not self._segments:
            return 0, 0
        last = self._segments[-1]
        return (last.msn + 1, 0) if last.closed else (last.msn, len(last.listed(self.part_target)))

    def append(self, chunk: Chunk) -> bool:
        """Take the rendition's next chunk. True if the playlist changed. Raises `ChunkOrderError`."""
        before = self.version
        segment = self._segments[-1] if self._segments else None
        if segment is None or segment.closed or chunk.msn != segment.msn:
            segment = self._open(chunk, segment)
            if segment is None:
                return self.version != before
        elif self._part is not None and chunk.part == len(segment.parts) + 1:
            self._close_part(segment)
        if chunk.part != len(segment.parts) or chunk.part >= MAX_PARTS:
            raise ChunkOrderError((segment.msn, len(segment.parts)), (chunk.msn, chunk.part))
        self._take(chunk)
        if chunk.closes is not Closes.NOTHING:
            self._close_part(segment)
        if chunk.closes is Closes.SEGMENT:
            self._close_segment(segment)
        return self.version != before

    def end(self) -> None:
        """No more comes: what is open is whole."""
        if self._segments and not self._segments[-1].closed:
            self._close_part(self._segments[-1])
            if self._segments[-1].parts:
                self._close_segment(self._segments[-1])
            else:
                self._segments.pop()
        self.ended = True
        self.version += 1

    def answer(self, directives: Directives) -> Answer:
        """Whether the playlist has what a player waits for (RFC 8216bis 6.2.5.2)."""
        if self.ended:
            return Answer.READY
        if not self.has_begun:
            return Answer.WAIT
        if directives.msn is None:
            return Answer.READY
        last = self._segments[-1]
        if directives.msn > last.msn + ADVANCE_LIMIT:
            return Answer.REFUSE
        if directives.part is None:
            # Without a part, the whole segment is meant.
            here = directives.msn < last.msn or (directives.msn == last.msn and last.closed)
        else:
            here = self._has_part(directives.msn, directives.part)
        return Answer.READY if here else Answer.WAIT

    def _has_part(self, msn: int, part: int) -> bool:
        offset = msn - self._segments[0].msn
        if offset < 0:
            return True
        if offset >= len(self._segments):
            return False
        segment = self._segments[offset]
        # A part that is too long to be listed comes with its whole segment.
        if part < len(segment.parts if segment.closed else segment.listed(self.part_target)):
            return True
        # A part after the last of its segment means the next segment's first (RFC 8216bis 6.2.5.2).
        return segment.closed and self._has_part(msn + 1, 0)

    def _open(self, chunk: Chunk, last: Segment | None) -> Segment | None:
        if last is not None:
            if not last.closed:
                self._close_part(last)
                self._close_segment(last)
            if chunk.msn <= last.msn:
                raise ChunkOrderError((last.msn + 1, 0), (chunk.msn, chunk.part))
            if chunk.msn != last.msn + 1:
                self._segments.clear()
                self.version += 1
                last = None
        if last is None and (chunk.part != 0 or not (chunk.independent or chunk.gap)):
            return None  # seen from its middle: the window begins with a whole segment
        segment = Segment(
            msn=chunk.msn,
            dts=chunk.dts,
            wall_ms=chunk.wall_ms,
            discontinuity=chunk.discontinuity,
            init=chunk.init,
            starts_discontinuity=last is not None and chunk.discontinuity != last.discontinuity,
            starts_init=last is None or chunk.init != last.init,
        )
        self._segments.append(segment)
        return segment

    def _take(self, chunk: Chunk) -> None:
        if self._part is None:
            self._part = Part(chunk.dts, chunk.duration, chunk.independent, chunk.gap)
        else:
            part = self._part
            self._part = Part(part.dts, part.duration + chunk.duration, part.independent, part.gap or chunk.gap)

    def _close_part(self, segment: Segment) -> None:
        part, self._part = self._part, None
        if part is not None:
            segment.parts.append(part)
            self.version += 1

    def _close_segment(self, segment: Segment) -> None:
        segment.closed = True
        self.version += 1
        self._slide()

    def _slide(self) -> None:
        total = sum(segment.duration for segment in self._segments)
        while len(self._segments) > 1:
            total -= self._segments[0].duration
            if total < self._window and len(self._segments) <= MAX_SEGMENTS:
                return
            self._segments.popleft()
