"""A broadcast on a real bus, without sockets and faster than real time: what ingest would publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from threading import Event
from uuid import UUID

from django.utils import timezone

from streaming import services
from streaming.bus import publication
from streaming.bus.epoch import epoch
from streaming.bus.events import BroadcastHasEnded
from streaming.bus.redis import Valkey
from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.outputs import InitSection, Output, Packaged
from streaming.cmaf.packager import SourcePackager
from streaming.cmaf.position import Position
from streaming.ingest.describer import Describer
from streaming.media import SOURCE, AccessUnit, BroadcastState, Chunk
from tests.streaming.cmaf.clips import Clip
from tests.streaming.packed import WALL_MS, Packed
from vods.workflows import WORKS
from workers.fill import WORK as FILL
from workers.ledger.attempt import run_step
from workers.ledger.bookkeeper import Bookkeeper
from workers.ledger.workflows import Wake
from workers.models import Step


class OnAir:
    """Publishes clips as one broadcast, and keeps what it published in `packed`."""

    def __init__(self, bus: Valkey, broadcast: UUID, position: Position | None = None) -> None:
        self.bus = bus
        self.broadcast = broadcast
        self.packed = Packed(SourcePackager(position.end_wall_ms if position else WALL_MS, position))
        self._describer = Describer(str(broadcast))
        self.token = self._take()

    def _take(self) -> str:
        in_epoch = self.bus.run(epoch())
        return self.bus.run(publication.acquire(str(self.broadcast), in_epoch=in_epoch, ingest="t", quiet_ms=0)).token

    def send(self, clip: Clip) -> None:
        """The encoder sends all of a clip."""
        packager = self.packed.packager
        for track in clip.tracks:
            self._out(packager.set_track(track))
        for track, unit in clip.units:
            self._out(packager.add_video(unit) if track.codec.is_video else packager.add_audio(unit))

    def reconnect(self, *, after_ms: int) -> None:
        """The encoder was away for so long."""
        self._out(self.packed.packager.discontinuity(self.packed.packager.position.end_wall_ms + after_ms))

    def end(self) -> BroadcastHasEnded:
        """The encoder leaves for good; the event that says so."""
        self._out(self.packed.packager.end())
        self.describe(BroadcastState.LIVE)
        services.end_broadcast(broadcast_id=self.broadcast, now=timezone.now(), publish=lambda _: None)
        self.bus.run(publication.end(str(self.broadcast)))
        return BroadcastHasEnded(str(self.broadcast))

    def describe(self, state: BroadcastState = BroadcastState.LIVE) -> None:
        target = self.packed.packager.target_duration
        self.bus.run(publication.describe(self._describer.description(state, target), self.token))
        self.bus.run(publication.renew(str(self.broadcast), self.token))

    def chunks(self, rendition: str = SOURCE) -> list[Chunk]:
        return self.packed.chunks[rendition]

    def shown(self, rendition: str = SOURCE) -> list[Fraction]:
        """When each picture or sound is shown in the VOD, in seconds: the time in which the encoder was away is
        not in it."""
        leading = self.chunks(self._describer.leading)
        lead_scale = self.packed.timelines[self._describer.leading].timescale
        scale = self.packed.timelines[rendition].timescale
        shifts: dict[int, Fraction] = {}
        end = Fraction(0)
        for chunk in leading:
            if chunk.discontinuity not in shifts:
                shifts[chunk.discontinuity] = end - Fraction(chunk.dts, lead_scale)
            end = Fraction(chunk.dts + chunk.duration, lead_scale) + shifts[chunk.discontinuity]
        return [
            Fraction(unit.pts, scale) + shifts[chunk.discontinuity]
            for chunk in self.chunks(rendition)
            for unit in units_of(chunk.data)
        ]

    def units(self, rendition: str = SOURCE) -> list[AccessUnit]:
        return units_of(b"".join(chunk.data for chunk in self.chunks(rendition)))

    def _out(self, outputs: Sequence[Output]) -> None:
        self.packed.take(outputs)
        name = str(self.broadcast)
        for output in outputs:
            if isinstance(output, InitSection):
                self.bus.run(publication.put_init(name, output.rendition, output.data, number=output.number))
                self._describer.section(output)
                self.describe()
            elif isinstance(output, Packaged):
                self._describer.chunk(output.rendition, output.chunk)
                leading = output.rendition == self._describer.leading
                self.bus.run(publication.append(name, self.token, output.rendition, [output.chunk], leading=leading))
        if any(isinstance(output, Packaged) and output.chunk.part == 0 for output in outputs):
            self.describe()


def units_of(data: bytes) -> list[AccessUnit]:
    return [unit for unit, _ in unpack_chunk(data)]


@dataclass
class House:
    """Dispatcher and durable workers without processes: `run` carries out what is asked for, one by one."""

    bus: Valkey
    queue: list[Wake] = field(default_factory=list)
    before: Callable[[Step], None] = lambda _: None

    def __post_init__(self) -> None:
        self.bookkeeper = Bookkeeper(self.bus, send=self.queue.append, stop=Event())

    def run(self) -> None:
        while self.queue:
            step = Step.objects.get(pk=self.queue.pop(0).step)
            self.before(step)
            run_step(step.pk, works={**WORKS, **FILL}, send=self.queue.append)

    def sweep(self) -> None:
        self.bookkeeper.sweep()
        self.run()

    def hear(self, event: BroadcastHasEnded) -> None:
        self.bookkeeper.heard(event)
        self.run()

    def errors(self) -> dict[str, str]:
        return dict(Step.objects.exclude(last_error="").values_list("name", "last_error"))


def stored(folder: Path) -> dict[str, bytes]:
    """Every object in a storage of files."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("**/*") if path.is_file()}
