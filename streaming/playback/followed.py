"""One rendition that players of this process ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from streaming.bus.demand import REACH
from streaming.hls.timeline import Timeline
from streaming.media import AUDIO, SOURCE, Chunk, Rendition
from streaming.playback.bodies import Bodies, BodyName
from streaming.playback.playlists import PlaylistCache
from streaming.playback.window import Placed, Window


class FollowedRendition:
    """A rendition's timeline and window, kept up to date by its `Follower`.

    `changed` is set, and replaced, whenever a playlist would say something else; `version` counts these wakes, the
    timeline's own version runs ahead of it for a moment. `at` is the last bus entry taken in. `runs_from` is the MSN
    from which an `on_demand` rendition runs, None while it is idle.
    """

    def __init__(
        self, broadcast: str, rendition: Rendition, bodies: Bodies, *, part_target_ms: int, now: float
    ) -> None:
        self.name = rendition.name
        self.on_demand = rendition.name not in {SOURCE, AUDIO}
        self.window = Window()
        self.timeline = Timeline(timescale=rendition.timescale, part_target_ms=part_target_ms)
        self.at = b"0-0"
        self.version = 0
        self.playlists = PlaylistCache()
        self.changed = asyncio.Event()
        self.asked_at = now
        self.wanted_at = now
        self.runs_from: int | None = None
        self._broadcast = broadcast
        self._bodies = bodies
        self._open = (-1, 0)
        self._data: list[bytes] | None = []

    def take_all(self, entries: Iterable[tuple[bytes, Chunk]]) -> bool:
        """Takes in chunks with their data. Says whether that changes the playlist."""
        before = self.timeline.version
        for entry, chunk in entries:
            self.take(entry, chunk, len(chunk.data))
        return self.timeline.version != before

    def take(self, entry: bytes, chunk: Chunk, size: int, *, has_data: bool = True) -> None:
        """Takes in a chunk of `size` bytes; its data may have been left out."""
        self.at = entry
        placed = self.window.append(entry, chunk, size)
        if placed in {Placed.AFRESH, Placed.NOWHERE}:
            self._begin_anew()
        if placed is Placed.NOWHERE:
            return
        self.timeline.append(chunk)
        if placed is not Placed.SAME_PART:
            self._keep_whole_part()  # the part before this one may have ended unannounced
            self._open = (chunk.msn, chunk.part)
            self._data = []
        if has_data and self._data is not None:
            self._data.append(chunk.data)
            self._keep_whole_part()
        else:
            self._data = None

    def close(self) -> None:
        """The broadcast has ended: what is there is whole."""
        self.window.close()
        self._keep_whole_part()
        if not self.timeline.ended:
            self.timeline.end()

    def wake(self) -> None:
        """Wakes everyone who waits for a change."""
        self.version += 1
        self.changed.set()
        self.changed = asyncio.Event()

    def is_due(self, msn: int, newest_msn: int) -> bool:
        """Whether a segment is not whole yet, but being made or soon to be; `newest_msn` is how far the source is.

        Of an idle rendition that is whatever it could begin with; source and sound are listed once they are there.
        """
        if not self.on_demand or msn > newest_msn or self.timeline.ended:
            return False
        if not self.window.segments:
            first = newest_msn - REACH if self.runs_from is None else self.runs_from
            return msn >= first
        held = self.window.segments.get(msn)
        return msn > self.window.newest_msn or (held is not None and not held.whole)

    def _begin_anew(self) -> None:
        """Behind a hole: what was listed slides out as a whole."""
        if self.timeline.segments:
            began_at = self.timeline.version + 1
            self.timeline = Timeline(timescale=self.timeline.timescale, part_target_ms=self.timeline.part_target_ms)
            self.timeline.version = began_at

    def _keep_whole_part(self) -> None:
        """Keeps the bytes of the part that chunks went into last, once it is whole.

        A part whose beginning came without data is read from the bus when somebody asks for it.
        """
        part = self.window.part(*self._open)
        if part and part.whole and self._data:
            self._bodies.put(BodyName(self._broadcast, self.name, part.first, part.last), b"".join(self._data))
            self._data = []
