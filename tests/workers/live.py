"""A broadcast on a real bus, without the sockets: what ingest would publish, as fast as a test wants it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from streaming.bus import publication, reading, running, tasks
from streaming.bus.epoch import epoch
from streaming.bus.redis import Valkey
from streaming.cmaf import codecs
from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.outputs import InitSection, Output, Packaged
from streaming.cmaf.packager import SourcePackager
from streaming.ladder import ladder
from streaming.media import (
    PART_TARGET_MS,
    SOURCE,
    VIDEO_TIMESCALE,
    AccessUnit,
    BroadcastState,
    Chunk,
    Closes,
    Description,
    Rendition,
    Track,
)

WALL_MS = 1_700_000_000_000


class Broadcaster:
    """Publishes access units as the source of one broadcast, and remembers what it published."""

    def __init__(
        self, bus: Valkey, track: Track, *, broadcast: str = "b", frame_rate: int = 0, partner: bool = False
    ) -> None:
        self.bus = bus
        self.partner = partner
        self.broadcast = broadcast
        self.track = track
        self.units: list[AccessUnit] = []
        self.chunks: list[Chunk] = []
        self.packager = SourcePackager(WALL_MS)
        self._init = 0
        self._section = b""
        self.acquire()
        self.change(track, frame_rate)

    def acquire(self) -> None:
        """Takes the right to publish; again, where the bus lost its memory."""
        in_epoch = self.bus.run(epoch())
        self.token = self.bus.run(publication.acquire(self.broadcast, in_epoch=in_epoch, ingest="test")).token
        if self._section:
            self._init = self.bus.run(publication.put_init(self.broadcast, SOURCE, self._section))

    def change(self, track: Track, frame_rate: int = 0) -> None:
        """The encoder says what comes from here on."""
        self.packager.set_track(codecs.track(track.codec, track.config))
        told = codecs.parse(track.codec, track.config)
        self.source = Rendition(
            SOURCE, told.codecs, 0, VIDEO_TIMESCALE, told.width, told.height, told.frame_rate or frame_rate
        )
        self.describe()

    def describe(self, state: BroadcastState = BroadcastState.LIVE) -> None:
        renditions = (self.source, *(rung.rendition for rung in ladder(self.source)))
        told = Description(self.broadcast, state, 0, PART_TARGET_MS, renditions, self.partner)
        self.bus.run(publication.describe(told, self.token))
        self.bus.run(publication.renew(self.broadcast, self.token))

    def publish(self, units: Sequence[AccessUnit]) -> None:
        for unit in units:
            self.units.append(unit)
            self._out(self.packager.add_video(unit))

    def publish_live(self, units: Sequence[AccessUnit], speed: float = 1.0) -> threading.Thread:
        """Publishes at the pace of the media, on a thread of its own."""

        def run() -> None:
            start = time.monotonic()
            for unit in units:
                time.sleep(max(0.0, start + (unit.dts - units[0].dts) / VIDEO_TIMESCALE / speed - time.monotonic()))
                self.publish([unit])
                if unit.sync:
                    self.bus.run(publication.renew(self.broadcast, self.token))

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def copy(self, other: Broadcaster, chunks: Sequence[Chunk]) -> None:
        """Publishes these chunks of another broadcast."""
        section = self.bus.run(reading.init_section(other.broadcast, SOURCE, chunks[0].init))
        assert section is not None
        self.bus.run(publication.put_init(self.broadcast, SOURCE, section))
        self.bus.run(publication.append(self.broadcast, self.token, SOURCE, chunks, leading=True))

    def reconnect(self, *, after_ms: int) -> None:
        """The encoder goes, and comes back so much later."""
        end = self.packager.position.end_wall_ms
        self._out(self.packager.discontinuity(max(end, self._wall_end()) + after_ms))

    def _wall_end(self) -> int:
        last = self.chunks[-1]
        return last.wall_ms + last.duration * 1000 // VIDEO_TIMESCALE

    @property
    def segment_walls(self) -> list[int]:
        """When each segment began, in ms since 1970."""
        first: dict[int, int] = {}
        for chunk in self.chunks:
            first.setdefault(chunk.msn, chunk.wall_ms)
        return list(first.values())

    def end(self) -> None:
        self._out(self.packager.end())

    def _out(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, InitSection):
                self._section = output.data
                self._init = self.bus.run(publication.put_init(self.broadcast, SOURCE, output.data))
            elif isinstance(output, Packaged):
                chunk = replace(output.chunk, init=self._init)
                self.chunks.append(chunk)
                self.append(chunk)

    def append(self, chunk: Chunk) -> None:
        self.bus.run(publication.append(self.broadcast, self.token, SOURCE, [chunk], leading=True))

    @property
    def last_msn(self) -> int:
        return self.chunks[-1].msn


def order(bus: Valkey, broadcast: str, msn: int, *renditions: str, expected: str = "") -> str:
    """A token for these renditions, each run from this segment on if it didn't yet."""
    bus.run(epoch())
    for rendition in renditions:
        bus.run(running.start(broadcast, rendition, msn))
    token = bus.run(tasks.order(broadcast, msn, dict.fromkeys(renditions, expected), device="test", late_ms=30_000))
    assert token
    return token


def published(bus: Valkey, broadcast: str, rendition: str) -> list[Chunk]:
    """All chunks of a rendition."""
    found = bus.run(reading.chunks(broadcast, {rendition: b"0-0"}, block_ms=0, count=10_000))
    return [chunk for _, chunk in found.get(rendition, [])]


@dataclass(frozen=True, slots=True)
class Frames:
    """What chunks carry, in decoding order."""

    units: list[AccessUnit]
    durations: list[int]

    @classmethod
    def of(cls, chunks: Sequence[Chunk]) -> Frames:
        pairs = [pair for chunk in chunks if not chunk.gap for pair in unpack_chunk(chunk.data)]
        return cls([unit for unit, _ in pairs], [duration for _, duration in pairs])

    @property
    def shown(self) -> list[int]:
        return sorted(unit.pts for unit in self.units)


def assert_in_order(chunks: Sequence[Chunk], *, like: Sequence[Chunk] = ()) -> None:
    """Each part follows the one before without gap or overlap, and is numbered so; each segment is independent, but
    for those that aren't in the source it is made `like`."""
    for before, after in itertools.pairwise(chunks):
        if after.msn == before.msn:
            assert after.part == before.part + 1
            assert before.closes is not Closes.SEGMENT
        else:
            assert (after.msn, after.part) == (before.msn + 1, 0)
        assert after.dts == before.dts + before.duration
    dependent = {chunk.msn for chunk in like if chunk.part == 0} - {chunk.msn for chunk in like if chunk.independent}
    assert all(chunk.independent for chunk in chunks if chunk.part == 0 and chunk.msn not in dependent)
