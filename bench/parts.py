"""Parts on a bus, and when they were due: a rendition's part is when the source chunk came that completes it."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.bus import reading
from streaming.bus.redis import Valkey
from streaming.media import Chunk


def entries(bus: Valkey, broadcast: str, rendition: str) -> list[tuple[int, Chunk]]:
    """When each chunk was appended, in the bus's ms, and the chunk: of the last 90 s."""
    found = bus.run(reading.chunks(broadcast, {rendition: b"0-0"}, block_ms=0, count=100_000))
    return [(int(entry.partition(b"-")[0]), chunk) for entry, chunk in found.get(rendition, [])]


def due(source: Sequence[tuple[int, Chunk]], part: Chunk) -> int | None:
    """When the source had come to a part's end, in the bus's ms; None if it has not."""
    end = part.dts + part.duration
    return next((at for at, chunk in source if chunk.dts + chunk.duration >= end), None)
