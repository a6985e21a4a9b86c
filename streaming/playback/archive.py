"""What playback asks of an archive: who keeps one gives playback an object that answers so.

Playback knows no models, and plays what is on the bus without any archive. With one, segments that have left the bus
keep their addresses, and a broadcast can be watched from its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Archived:
    """A segment in the archive, or a `gap` of its time. `dts`, `duration` in ticks, `wall_ms` UTC of its first sample.

    `discontinuity` and `init` are as on the bus (`streaming.media.Chunk`).
    """

    msn: int
    dts: int
    duration: int
    wall_ms: int
    discontinuity: int
    init: int
    gap: bool


class Archive(Protocol):
    """Each answers None, or nothing, for what it hasn't got, or nobody may have."""

    async def segments(self, broadcast: str, rendition: str) -> Sequence[Archived] | None:
        """Every archived segment, in order and without holes; None if the broadcast can't be watched from its start."""

    async def segment(self, broadcast: str, rendition: str, msn: int) -> bytes | None:
        """A segment's bytes."""

    async def init(self, broadcast: str, rendition: str, number: int) -> bytes | None:
        """An init section."""


class NoArchive:
    """There is none."""

    async def segments(self, broadcast: str, rendition: str) -> None:  # noqa: ARG002 - the shape of an archive
        return None

    async def segment(self, broadcast: str, rendition: str, msn: int) -> None:  # noqa: ARG002
        return None

    async def init(self, broadcast: str, rendition: str, number: int) -> None:  # noqa: ARG002
        return None
