"""Where a broadcast stands: all that another packager needs to go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from streaming.media import Chunk

from .outputs import Packaged
from .rendition import Opening, gap_chunks


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a broadcast so far. The default is one that hasn't begun.

    `msn` and `discontinuity` number the next segment, which starts a new discontinuity unless nothing was packed yet.
    `end_ms` is the timeline's end, at the UTC time `end_wall_ms`: a packager that goes on later leaves as much time out
    on the timeline as passed on the wall. `target_duration` is EXT-X-TARGETDURATION in seconds, 0 before the first
    segment has closed. `inits` counts the init sections each rendition had, `timescales` says in which ticks a
    rendition counts. `behind` tells of renditions that lack the newest segments: their next MSN, and where in their
    ticks they end.
    """

    msn: int = 0
    discontinuity: int = 0
    end_ms: int = 0
    end_wall_ms: int = 0
    target_duration: int = 0
    inits: Mapping[str, int] = field(default_factory=dict)
    timescales: Mapping[str, int] = field(default_factory=dict)
    behind: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def after(cls, newest: Mapping[str, tuple[Chunk, int]], *, target_duration: int) -> Self:
        """The position after the newest chunk of each rendition, given with the rendition's timescale.

        This is how an ingest goes on with a broadcast whose own ingest died: the media bus has these chunks.
        """
        if not newest:
            return cls(target_duration=target_duration)
        ends = [
            (
                -((chunk.dts + chunk.duration) * -1000 // timescale),
                chunk.wall_ms + chunk.duration * 1000 // timescale,
            )
            for chunk, timescale in newest.values()
        ]
        end_ms, end_wall_ms = max(ends)
        newest_msn = max(chunk.msn for chunk, _ in newest.values())
        return cls(
            msn=1 + newest_msn,
            discontinuity=1 + max(chunk.discontinuity for chunk, _ in newest.values()),
            end_ms=end_ms,
            end_wall_ms=end_wall_ms,
            target_duration=target_duration,
            inits={name: chunk.init + 1 for name, (chunk, _) in newest.items()},
            timescales={name: timescale for name, (_, timescale) in newest.items()},
            behind={
                name: (chunk.msn + 1, chunk.dts + chunk.duration)
                for name, (chunk, _) in newest.items()
                if chunk.msn < newest_msn
            },
        )

    def missing(self) -> list[Packaged]:
        """Gap chunks for the segments that renditions behind lack: MSNs are consecutive in each (RFC 8216bis 6.2.1)."""
        found = []
        for name, (first, begin) in self.behind.items():
            scale = self.timescales[name]
            count = self.msn - first
            # The segments' times are lost; together they last until the broadcast's end.
            length = max(count, self.end_ms * scale // 1000 - begin)
            for number in range(count):
                start, end = (begin + length * step // count for step in (number, number + 1))
                wall_ms = self.end_wall_ms - self.end_ms + start * 1000 // scale
                opening = Opening(first + number, start, wall_ms, self.discontinuity - 1, self.inits[name] - 1)
                found += [Packaged(name, chunk) for chunk in gap_chunks(opening, end, timescale=scale)]
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(**{**values, "behind": {name: tuple(at) for name, at in values["behind"].items()}})
