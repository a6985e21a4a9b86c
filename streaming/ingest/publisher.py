"""One encoder's broadcast on its way to the media bus: access units in, chunks out, as long as it holds its
seat. Whatever protocol they came by, this is the one way on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain, repeat

import structlog

from streaming.bus import events, publication
from streaming.bus.errors import (
    BroadcastEnded,
    BusError,
    BusRefusal,
    InitTaken,
    PublisherRefused,
    StaleToken,
    TooManyInits,
)
from streaming.bus.redis import AsyncValkey
from streaming.cmaf.errors import CmafError
from streaming.cmaf.outputs import InitSection, Notice, NoticeKind, Output, Packaged
from streaming.cmaf.packager import SourcePackager
from streaming.flv.amf0 import Value
from streaming.ingest import metrics
from streaming.ingest.clock import Clock
from streaming.ingest.describer import Describer
from streaming.ingest.errors import IngestError, OutboxFull, PublishingRefused, TakenOver
from streaming.ingest.health_meter import HealthMeter
from streaming.ingest.outbox import Outbox
from streaming.ingest.seat import Seat, take_seat
from streaming.ingest.timeline import Step, Timeline
from streaming.media import AccessUnit, BroadcastState, Description, Track

RENEW_SECONDS = 0.5
"""How often the lease is renewed; who does not for `publication.GONE_MS`, and publishes nothing, loses the seat."""
TICK_SECONDS = 1.0
"""How often health is reported, and whether the encoder has to go."""
SILENCE_SECONDS = 10.0
"""An encoder that sends neither picture nor sound for so long is let go."""
NO_KEYFRAME_SECONDS = 60.0
"""A picture without a keyframe for so long is let go: nobody can join it, and no ladder can be made of it."""
RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5)
"""Pauses between attempts to get back to a bus that is away; the last one is repeated."""
LEAVE_SECONDS = 2.0
"""How long the last chunks may take when the encoder goes."""
LATE_START_MS = 500
"""A first picture later than this after the packager was made moves its clock."""

Left = Callable[[Seat, Description | None], Awaitable[None]]
"""Told when the encoder has gone: where the broadcast stands, and its description if it ever had one."""

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes one encoder's media from a seat; gives the seat to `left` when the encoder has gone."""

    def __init__(self, seat: Seat, *, valkey: AsyncValkey, clock: Clock, left: Left) -> None:
        self._seat = seat
        self._valkey = valkey
        self._clock = clock
        self._left = left
        self._outbox = Outbox(valkey)
        self._timeline = Timeline()
        self._tracks: dict[bool, Track] = {}
        self._packager: SourcePackager | None = None
        self._made_ms = 0
        self._describer = Describer(seat.broadcast, partner=seat.partner)
        self._description: Description | None = None
        self._announced = False
        self._away = False
        """The seat was lost with the bus and is being taken again; media is dropped until then."""
        self._meter = HealthMeter()
        self._last_media = clock.monotonic()
        self._last_keyframe: float | None = None
        """When it came, or the first picture did; None before that."""
        self._finished = asyncio.Event()
        self._log = log.bind(broadcast=seat.broadcast)

    def metadata(self, values: dict[str, Value]) -> None:
        """Take what the encoder says about itself: for the log alone, its media tells the rest."""
        self._log.info("encoder", name=str(values.get("encoder"))[:100])

    def video(self, item: Track | AccessUnit) -> None:
        """Take the video's configuration, or its next picture. Raises PublishingRefused."""
        self._take(item, is_video=True)

    def audio(self, item: Track | AccessUnit) -> None:
        """Take the audio's configuration, or its next frame. Raises PublishingRefused."""
        self._take(item, is_video=False)

    def finish(self) -> None:
        """The encoder says nothing more: let `run` send the rest and return."""
        if self._packager is not None:
            self._publish(self._packager.end())
        self._outbox.close()
        self._finished.set()

    async def run(self) -> None:
        """Send to the bus until finished. Raises IngestError when the encoder has to go."""
        with metrics.PUBLISHERS.track_inprogress():
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._deliver())
                tasks.create_task(self._every(RENEW_SECONDS, self._renew))
                tasks.create_task(self._every(TICK_SECONDS, self._tick))

    async def leave(self, failure: IngestError | None) -> None:
        """The encoder is gone, for `failure` if it was told to go."""
        if isinstance(failure, TakenOver):
            self._log.info("taken over")
            return
        if not self._finished.is_set():
            self.finish()
            with suppress(TimeoutError, BusError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._outbox.flush()
        position = self._packager.position if self._packager is not None else self._seat.position
        await self._left(replace(self._seat, position=position), self._description)

    def _take(self, item: Track | AccessUnit, *, is_video: bool) -> None:
        try:
            if isinstance(item, AccessUnit):
                self._unit(item, is_video=is_video)
                return
            self._tracks[is_video] = item
            if self._packager is not None:
                self._publish(self._packager.set_track(item))
        except CmafError as error:
            raise PublishingRefused(f"The encoder sent media that can't be packaged: {error}.") from error

    def _unit(self, unit: AccessUnit, *, is_video: bool) -> None:
        now = self._last_media = self._clock.monotonic()
        timestamp = unit.dts * 1000 // self._tracks[is_video].timescale
        step = self._timeline.step(timestamp, is_video=is_video)
        if step is Step.STRAGGLER:
            self._meter.dropped(now)
            metrics.DROPPED.inc()
            return
        if step is Step.JUMP:
            self._meter.jumped(now)
            self._log.debug("timestamps jumped", timestamp=timestamp)
        if is_video:
            if unit.sync or self._last_keyframe is None:
                self._last_keyframe = now
            self._meter.video(unit, now)
            self._describer.frame(unit)
        else:
            self._meter.audio(unit, self._tracks[False].timescale, now)
        if self._away:
            return
        packager = self._packager or self._make_packager()
        if step is Step.JUMP or (is_video and unit.sync and self._starts_late()):
            self._publish(packager.discontinuity(self._clock.wall_ms()))
        self._publish(packager.add_video(unit) if is_video else packager.add_audio(unit))

    def _make_packager(self) -> SourcePackager:
        self._made_ms = self._clock.wall_ms()
        self._packager = packager = SourcePackager(self._made_ms, self._seat.position)
        for track in self._tracks.values():
            packager.set_track(track)
        return packager

    def _starts_late(self) -> bool:
        """Whether this first picture came so long after the packager was made that its clock is off."""
        if self._announced or self._clock.wall_ms() - self._made_ms < LATE_START_MS:
            return False
        self._made_ms = self._clock.wall_ms()
        return True

    def _publish(self, outputs: list[Output]) -> None:
        corrected = False
        for output in outputs:
            match output:
                case InitSection():
                    self._begin(output)
                    corrected = False
                case Packaged():
                    corrected |= self._describer.chunk(output.rendition, output.chunk)
                    self._append(output)
                case Notice():
                    self._meter.notice(output, self._clock.monotonic())
                    if output.kind is not NoticeKind.TIMESTAMP_DROPPED and output.count == 1:
                        self._log.warning(output.text)
        told = self._description.target_duration if self._description else 0
        if self._packager is not None and (corrected or self._packager.target_duration != told):
            self._describe(self._packager.target_duration)
        if self._outbox.full:
            self._interrupt()

    def _begin(self, section: InitSection) -> None:
        """A rendition goes on with this init section: it must be there before its chunks, and the description too."""
        assert self._packager is not None
        self._describer.section(section)
        self._meter.init_section(section)
        broadcast = self._seat.broadcast
        put = publication.put_init(broadcast, section.rendition, section.data, number=section.number)
        self._outbox.put(put, len(section.data))
        self._describe(self._packager.target_duration)
        if not self._announced:
            self._announced = True
            resumed = self._seat.position.msn > 0
            self._outbox.put(
                events.publish(events.BroadcastResumed(broadcast) if resumed else events.BroadcastStarted(broadcast))
            )
            self._log.info("resumed" if resumed else "live")

    def _append(self, packaged: Packaged) -> None:
        name, chunk = packaged.rendition, packaged.chunk
        leading = name == self._describer.leading
        call = publication.append(self._seat.broadcast, self._seat.token, name, [chunk], leading=leading)
        self._outbox.put(call, len(chunk.data))
        metrics.BYTES.inc(len(chunk.data))

    def _describe(self, target_duration: int) -> None:
        self._description = self._describer.description(BroadcastState.LIVE, target_duration)
        self._outbox.put(publication.describe(self._description, self._seat.token))

    async def _every(self, seconds: float, work: Callable[[], None]) -> None:
        while not self._finished.is_set():
            work()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._finished.wait()

    def _tick(self) -> None:
        now = self._clock.monotonic()
        self._check(now)
        if not self._away:
            self._outbox.put(publication.publish_health(self._seat.broadcast, self._meter.report(now).pack()))

    def _renew(self) -> None:
        if not self._away:
            self._outbox.put(publication.renew(self._seat.broadcast, self._seat.token))

    def _check(self, now: float) -> None:
        if now - self._last_media > SILENCE_SECONDS:
            raise PublishingRefused(f"No picture and no sound came for {SILENCE_SECONDS:.0f} s.")
        if self._last_keyframe is not None and now - self._last_keyframe > NO_KEYFRAME_SECONDS:
            raise PublishingRefused(
                f"No keyframe came for {NO_KEYFRAME_SECONDS:.0f} s. {self._meter.keyframe_advice(now)}"
            )

    async def _deliver(self) -> None:
        while True:
            try:
                await self._outbox.run()
            except StaleToken as error:
                raise TakenOver from error
            except BroadcastEnded as error:
                raise PublishingRefused("This broadcast was ended.") from error
            except TooManyInits as error:
                raise PublishingRefused("The encoder changed its format too often.") from error
            except (BusError, OutboxFull) as error:
                self._interrupt()
                await self._take_again(error)
            else:
                return

    def _interrupt(self) -> None:
        """What waits can't be published any more: drop it, and media too until the seat is taken again."""
        metrics.INTERRUPTIONS.inc()
        if self._packager is not None:
            self._seat = replace(self._seat, position=self._packager.position)
            self._packager = None
        self._away, self._announced = True, False
        self._outbox.clear()

    async def _take_again(self, error: Exception) -> None:
        """Get back to a bus that failed, and go on under a discontinuity from the next keyframe."""
        self._log.warning("the bus failed; media is dropped until it is back", error=str(error))
        known = self._seat.position
        if isinstance(error, InitTaken):
            known = replace(known, inits={**known.inits, error.rendition: error.number + 1})
        broadcast = self._seat.broadcast
        for pause in _pauses():
            if self._finished.is_set():
                return
            try:
                with suppress(BusRefusal):
                    await self._valkey.run(publication.release(broadcast, self._seat.token))
                self._seat = await take_seat(
                    self._valkey, broadcast, ingest=self._seat.ingest, known=known, partner=self._seat.partner
                )
            except PublisherRefused as refusal:
                raise TakenOver from refusal
            except BroadcastEnded as ended:
                raise PublishingRefused("This broadcast was ended.") from ended
            except BusError:
                await asyncio.sleep(pause)
            else:
                break
        self._outbox.clear()
        self._away = False
        self._renew()
        self._log.warning("the bus is back; going on from the next keyframe")


def _pauses() -> Iterator[float]:
    return chain(RETRY_SECONDS, repeat(RETRY_SECONDS[-1]))
