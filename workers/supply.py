"""The source of one segment, as a task reads it from the bus, and encoders started with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from streaming.bus import reading
from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.track import read_video_track
from streaming.ffmpeg.command import VideoEncoder
from streaming.ladder import Rung
from streaming.media import SOURCE, AccessUnit, Chunk
from workers.encoder import Encoder
from workers.errors import SourceLost

MAX_FORCED_CUTS = 8
"""How many segments back an IDR is looked for."""


class Supply:
    """Segment `msn` of a broadcast's source. Reading ends once `stop()` says so."""

    def __init__(self, bus: reading.Runner, broadcast: str, msn: int, *, stop: Callable[[], bool]) -> None:
        self.broadcast = broadcast
        self.msn = msn
        self._bus = bus
        self._stop = stop

    def follow(self, *, block_ms: int = reading.BLOCK_MS) -> Iterator[Chunk | None]:
        """The segment's chunks and those behind it, as they arrive; None when none came for `block_ms`."""
        return reading.follow(self._bus, self.broadcast, SOURCE, self.msn, stop=self._stop, block_ms=block_ms)

    def start(
        self,
        executable: str,
        rungs: Sequence[Rung],
        first: Chunk,
        *,
        starts: Mapping[str, int],
        codec: VideoEncoder,
        dormant: bool = False,
    ) -> Encoder:
        """An encoder that stands at `first`, the segment's first chunk, fed with all that it needs from before.

        `starts` maps rungs to the time of the first picture wanted of them (ticks), where that is not the segment's.
        Raises SourceLost, and what bus and ffmpeg raise.
        """
        lead = self._from_idr(first)
        section = self._bus.run(reading.init_section(self.broadcast, SOURCE, first.init))
        if section is None:
            raise self._lost("the source's init section is gone")
        # After a cut without IDR all rungs begin in mid-GOP.
        begins = {rung.name: first.dts for rung in rungs} if lead else {}
        encoder = Encoder(
            executable,
            read_video_track(section),
            rungs,
            first=units((lead or [first])[0])[0],
            starts={**begins, **starts},
            codec=codec,
            dormant=dormant,
        )
        for chunk in lead:
            feed(encoder, chunk)
        return encoder

    def _from_idr(self, first: Chunk) -> list[Chunk]:
        """The source's chunks from the last IDR at a segment's start up to this segment; none if it has one itself."""
        if first.independent:
            return []
        for back in range(1, MAX_FORCED_CUTS + 1):
            lead = []
            for chunk in reading.follow(self._bus, self.broadcast, SOURCE, self.msn - back, stop=self._stop):
                if chunk is None or (chunk.msn, chunk.part) >= (first.msn, first.part):
                    break
                lead.append(chunk)
            if lead and lead[0].independent:
                return lead
        raise self._lost(f"no IDR in {MAX_FORCED_CUTS} segments")

    def _lost(self, reason: str) -> SourceLost:
        return SourceLost(reason, broadcast=self.broadcast, msn=self.msn)


def units(chunk: Chunk) -> list[AccessUnit]:
    """A chunk's access units."""
    return [unit for unit, _ in unpack_chunk(chunk.data)]


def feed(encoder: Encoder, chunk: Chunk) -> None:
    """Feeds a chunk of the source. Raises FfmpegGone."""
    encoder.feed(units(chunk), chunk.dts + chunk.duration)
