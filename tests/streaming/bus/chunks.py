"""Chunks as a packager would make them, with recognisable bytes instead of media."""

from __future__ import annotations

from streaming.media import Chunk, Closes

START_MS = 1_700_000_000_000
TICKS_PER_MS = 90
PART_MS = 400
PARTS = 5


def chunk(msn: int, part: int, *, discontinuity: int = 0, init: int = 7, size: int = 0, gap: bool = False) -> Chunk:
    """Part `part` of 5 of the 2 s segment `msn`, in one chunk."""
    at_ms = (msn * PARTS + part) * PART_MS
    data = b"" if gap else f"<{msn}.{part}>".encode().ljust(size, b".")
    return Chunk(
        msn=msn,
        part=part,
        dts=at_ms * TICKS_PER_MS,
        duration=PART_MS * TICKS_PER_MS,
        wall_ms=START_MS + at_ms,
        independent=part == 0,
        closes=Closes.SEGMENT if part == PARTS - 1 else Closes.PART,
        discontinuity=discontinuity,
        init=init,
        data=data,
        gap=gap,
    )


def segment(msn: int, *, discontinuity: int = 0, init: int = 7, size: int = 0) -> list[Chunk]:
    return [chunk(msn, part, discontinuity=discontinuity, init=init, size=size) for part in range(PARTS)]
