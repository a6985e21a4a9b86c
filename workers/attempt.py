"""One attempt at a segment: its renditions on their way from an encoder to the bus.

Two threads meet here: the encoder's hands in its output, the task's says where the segment ends.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from streaming.bus import tasks
from streaming.bus.errors import BusFull, BusRefusal, BusUnavailable, OutOfOrder, TooEarly
from streaming.bus.layout import Progress
from streaming.bus.publication import put_init
from streaming.bus.reading import Runner
from streaming.cmaf import codecs
from streaming.cmaf.header import pack_header
from streaming.cmaf.rendition import Opening, RenditionPackager
from streaming.ladder import Rung
from streaming.media import VIDEO_TIMESCALE, AccessUnit, Chunk, Closes
from workers.encoder import Encoder
from workers.errors import AttemptError, AttemptRefused, EncoderFailed

log = structlog.get_logger(__name__)

MAX_UNSENT = 64
"""Parts kept while the bus takes none: more than the longest segment has."""


class Lane:
    """One rendition of the segment. `start` and `part` are where this attempt goes on with it (ticks)."""

    def __init__(self, rung: Rung, progress: Progress | None, first: Chunk) -> None:
        begun = progress is not None and progress.msn == first.msn
        self.rung = rung
        self.start = progress.end_dts if progress and begun else first.dts
        self.part = progress.part + 1 if progress and begun else 0
        self.packager: RenditionPackager | None = None
        self.pending: deque[AccessUnit] = deque()
        """Units whose successor's time isn't known yet."""
        self.unsent: deque[Chunk] = deque()
        self.lost_init: int | None = None
        """Set where the segment can't go on with this encoder's parameter sets: the init section it began with."""
        self.closed = False
        """Whether the segment's last chunk was packed."""
        self.done = False
        self.refusal: BusRefusal | None = None

    @property
    def reached(self) -> int:
        """Up to where the rendition is packed (ticks)."""
        return self.packager.end if self.packager is not None else self.start

    @property
    def over(self) -> bool:
        return self.done or self.refusal is not None


class Attempt:
    """A claimed attempt at segment `msn`; `first` is the source's first chunk in it."""

    def __init__(
        self,
        bus: Runner,
        broadcast: str,
        token: str,
        rungs: Mapping[str, Rung],
        progress: Mapping[str, Progress | None],
        first: Chunk,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.broadcast = broadcast
        self.msn = first.msn
        self.lanes = {name: Lane(rung, progress[name], first) for name, rung in rungs.items()}
        self.over = threading.Event()
        """Set when nothing is left to do: every rendition is done or refused, or the attempt failed."""
        self.failure: AttemptError | None = None
        self.moved_at = clock()
        """When a part was last published, on the injected clock."""
        self._bus = bus
        self._token = token
        self._first = first
        self._clock = clock
        self._end: int | None = None
        self._gap_from: int | None = None
        self._flushed = False
        self._encoder: Encoder | None = None
        self._lock = threading.RLock()

    @property
    def end(self) -> int | None:
        """Where the segment ends (ticks), once that is known."""
        return self._end

    @property
    def is_fresh(self) -> bool:
        """Whether every rendition starts with the segment, so that a warm encoder may go on with them."""
        return all(not lane.part for lane in self.lanes.values())

    @property
    def succeeded(self) -> bool:
        return self.failure is None and all(lane.done for lane in self.lanes.values())

    def use(self, encoder: Encoder, *, at_once: bool) -> None:
        """Publishes what this encoder puts out, from now on or from the next call."""
        self._encoder = encoder
        if at_once:
            encoder.attach(self._accept, self._encoder_ended)

    def close_at(self, end: int) -> None:
        """The segment ends at `end` (ticks)."""
        with self._lock:
            if self._end is None:
                self._end = end
        self.settle()

    def lose_from(self, at: int) -> None:
        """The source has a gap from `at` (ticks) to the segment's end, and so have its renditions."""
        with self._lock:
            if self._gap_from is None:
                self._gap_from = at

    def settle(self) -> None:
        """Packs and publishes what has become possible."""
        with self._lock:
            for lane in self.lanes.values():
                self._advance(lane)
            self._look()

    def fail(self, failure: AttemptError) -> None:
        """Gives the attempt up."""
        with self._lock:
            if not self.over.is_set():
                self.failure = failure
                self.over.set()

    def _accept(self, name: str, unit: AccessUnit) -> bool:
        with self._lock:
            if self._end is not None and unit.pts >= self._end:
                return False
            lane = self.lanes.get(name)
            if lane is not None and not lane.closed and unit.pts >= lane.start:
                lane.pending.append(unit)
                self._advance(lane)
                self._look()
            return True

    def _encoder_ended(self) -> None:
        encoder = self._encoder
        assert encoder is not None
        if encoder.failure is not None:
            self.fail(EncoderFailed(encoder.failure, broadcast=self.broadcast, msn=self.msn))
            return
        with self._lock:
            self._flushed = True
        self.settle()

    def _look(self) -> None:
        """Sets `over` if it is."""
        if all(lane.over for lane in self.lanes.values()):
            refusals = [lane.refusal for lane in self.lanes.values() if lane.refusal is not None]
            if refusals and self.failure is None:
                self.failure = AttemptRefused(str(refusals[0]), broadcast=self.broadcast, msn=self.msn)
            self.over.set()

    def _advance(self, lane: Lane) -> None:
        try:
            self._pack_pending(lane)
            complete = self._end is not None and (self._flushed or lane.reached >= self._end)
            if complete and not lane.pending and not lane.closed:
                self._close(lane)
            self._send(lane)
        except (BusUnavailable, BusFull) as error:
            # What wasn't sent is kept, and tried again with the next picture; the deadline bounds that.
            log.debug("attempt.bus", broadcast=self.broadcast, msn=self.msn, error=str(error))
        except BusRefusal as refusal:
            lane.refusal = refusal

    def _pack_pending(self, lane: Lane) -> None:
        assert self._encoder is not None
        while lane.pending and not lane.over:
            unit = lane.pending[0]
            if len(lane.pending) > 1:
                successor: int | None = lane.pending[1].pts
            else:
                successor = self._encoder.presentation.successor(unit.pts, lane.rung.every)
            if successor is None and (not self._flushed or self._end is None):
                break
            if self._end is not None and (successor is None or successor >= self._end):
                self._pack(lane, unit, None)
                self._close(lane)
            else:
                self._pack(lane, unit, successor)
            lane.pending.popleft()

    def _pack(self, lane: Lane, unit: AccessUnit, successor: int | None) -> None:
        packager = lane.packager or self._open(lane)
        # A successor foretold wrongly (an open GOP's recovery point, where every n-th picture is taken) has given its
        # predecessor too long a duration: this one is decoded at once then, and still shown at its own time.
        at = max(unit.pts, packager.end)
        if successor is not None and successor <= at:
            successor = None
        lane.unsent += packager.add(AccessUnit(at, unit.pts, unit.data, unit.sync), successor)

    def _open(self, lane: Lane) -> RenditionPackager:
        assert self._encoder is not None
        told = self._encoder.tracks[lane.rung.name]
        track = codecs.track(told.codec, told.config)
        init = self._bus.run(put_init(self.broadcast, lane.rung.name, pack_header(track)))
        if lane.part:
            # The part before is another encoder's, and EXT-X-MAP applies to whole segments (RFC 8216bis 4.4.4.5).
            before = self._bus.run(tasks.newest_chunk(self.broadcast, lane.rung.name))
            lane.lost_init = before.init if before is not None and before.init != init else None
        lane.packager = RenditionPackager(VIDEO_TIMESCALE, frame_rate=lane.rung.frame_rate)
        lane.packager.open(self._opening(lane, init))
        return lane.packager

    def _opening(self, lane: Lane, init: int) -> Opening:
        first = self._first
        wall_ms = first.wall_ms + (lane.start - first.dts) * 1000 // VIDEO_TIMESCALE
        return Opening(first.msn, lane.start, wall_ms, first.discontinuity, init, lane.part)

    def _close(self, lane: Lane) -> None:
        assert self._end is not None
        lane.closed = True
        packager = lane.packager
        if packager is not None:
            if self._gap_from is not None:
                held = packager.held
                lane.unsent += packager.gap(self._end, max(1, self._gap_from - held.dts) if held is not None else 0)
            lane.unsent += packager.close(self._end)
        elif lane.start < self._end:
            self.fail(EncoderFailed("no picture came out", broadcast=self.broadcast, msn=self.msn))

    def _send(self, lane: Lane) -> None:
        """Publishes what is packed, in order."""
        try:
            while lane.unsent and not lane.over:
                self._publish(lane, lane.unsent[0])
                lane.done = lane.unsent.popleft().closes is Closes.SEGMENT
                self.moved_at = self._clock()
        except TooEarly:
            if len(lane.unsent) > MAX_UNSENT:
                raise
        if lane.closed and not lane.unsent and not lane.over and self.failure is None:
            # The last part was out before anyone knew that it was the last.
            self._bus.run(tasks.finish(self.broadcast, self.msn, self._token, lane.rung.name))
            lane.done = True

    def _publish(self, lane: Lane, chunk: Chunk) -> None:
        if lane.lost_init is not None:
            # Parts that this rendition can't have become GAP as they come, so that players leave it now and not later.
            chunk = replace(chunk, data=b"", independent=False, init=lane.lost_init, gap=True)
        try:
            self._bus.run(tasks.publish_part(self.broadcast, self._token, lane.rung.name, chunk))
        except OutOfOrder as refusal:
            # A call whose answer was lost with the connection had been carried out: the token is ours, so is the part.
            newest = Progress.unpack(refusal.newest.encode()) if refusal.newest != "-" else None
            if newest is None or (newest.msn, newest.part) != (chunk.msn, chunk.part):
                raise
