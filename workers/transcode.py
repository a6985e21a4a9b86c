"""A segment task: the source from the bus as it arrives, through an encoder, each part back onto the bus at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

import structlog

from streaming.bus import reading, standby, tasks
from streaming.bus.errors import BusError, BusUnavailable, SegmentGone
from streaming.cmaf.errors import CmafError
from streaming.ffmpeg.command import VideoEncoder
from streaming.ffmpeg.errors import FfmpegError
from streaming.ladder import Rung, ladder
from streaming.media import SOURCE, Chunk, Closes
from workers.attempt import Attempt
from workers.encoder import Encoder
from workers.errors import AttemptError, AttemptRefused, Draining, EncoderFailed, SourceLost
from workers.motion import Motions
from workers.patience import PatientReader
from workers.standby import Promotion, StandBy
from workers.supply import Supply, feed
from workers.warm import Key, Standing, WarmEncoders

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 0.06
"""How long a segment's last pictures may take before more source is fed to push them out."""
CHECK_SECONDS = 0.5
"""How often an attempt asks whether it may still publish: one that has nothing to publish would not hear that another
has its place, or that its time is over, and would hold its thread and its encoder for nothing."""
SILENT_READS = 2
"""So many empty reads of the source behind a segment's end (each `reading.BLOCK_MS`) mean that nothing follows it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the dispatcher asks for: these renditions of segment `msn`, under a fencing token."""

    broadcast: str
    msn: int
    token: str
    renditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a worker process works with. `clock` is monotonic, in seconds; `instance` names the process."""

    bus: reading.Runner
    warm: WarmEncoders
    ffmpeg: str
    instance: str
    clock: Callable[[], float]
    draining: Callable[[], bool] = lambda: False
    codec: VideoEncoder = VideoEncoder.X264
    motions: Motions = field(default_factory=lambda: Motions(time.monotonic))


def transcode(order: Order, bench: Workbench) -> None:
    """Carries out one attempt. Raises BusRefusal if it may not even begin, and AttemptError if it can't finish."""
    try:
        claim = bench.bus.run(
            tasks.claim(order.broadcast, order.msn, order.token, order.renditions, instance=bench.instance)
        )
    except BusUnavailable as error:
        # It may have been carried out all the same, and then everybody would wait for us.
        _tell(order, bench, error)
        raise
    try:
        _Run(order, claim, bench).run()
    except AttemptRefused:
        raise
    except Exception as error:
        # Whatever it was, the dispatcher need not wait to see that nothing comes.
        _tell(order, bench, error)
        if isinstance(error, BusError | CmafError | FfmpegError):
            raise _failure(order, error) from error
        raise


def _tell(order: Order, bench: Workbench, error: Exception) -> None:
    """Says on the bus that the attempt has failed, and whether the segment itself may be to blame."""
    crashed = not isinstance(error, BusError | SourceLost | Draining) and not bench.draining()
    reason = f"{type(error).__name__}: {error}"
    with suppress(BusError):
        bench.bus.run(tasks.fail(order.broadcast, order.msn, order.token, reason, crashed=crashed))


def _failure(order: Order, error: BusError | CmafError | FfmpegError) -> AttemptError:
    kind: type[AttemptError] = SourceLost if isinstance(error, SegmentGone | CmafError) else EncoderFailed
    return kind(str(error), broadcast=order.broadcast, msn=order.msn)


class _Run:
    def __init__(self, order: Order, claim: tasks.Claim, bench: Workbench) -> None:
        self._order = order
        self._claim = claim
        self._bench = bench
        self._deadline = bench.clock() + claim.remaining_ms / 1000
        self._check_at = bench.clock() + CHECK_SECONDS
        self._reader = PatientReader(bench.bus, give_up=self._is_over)
        self._supply = Supply(self._reader, order.broadcast, order.msn, stop=self._is_over)
        self._attempt: Attempt | None = None
        self._finishing = False
        self._ahead = 0
        """Chunks behind this segment that were fed."""
        self._skip = 0
        """Chunks to come that were fed by the task before."""
        self._first: Chunk | None = None
        self._newest: Chunk | None = None

    def run(self) -> None:
        """Sees the segment through. Raises AttemptError, BusError, CmafError, FfmpegError."""
        order, bench = self._order, self._bench
        source = self._supply.follow()
        first = next((chunk for chunk in source if chunk is not None), None)
        if first is None:
            raise self._given_up("the source never came")
        if first.gap:
            raise self._given_up("the source has nothing here")
        self._first = first
        may_step = first.independent and not self._claim.standby
        rungs = bench.motions.rungs(order.broadcast, self._rungs(), may_step=may_step)
        progress, woken = self._claim.progress, None
        if self._claim.standby:
            promotion = self._stand_by(first, rungs)
            if promotion is None:
                return
            progress, woken = promotion.progress, promotion.standing
            rungs = {name: rung for name, rung in rungs.items() if name in progress}
        attempt = Attempt(bench.bus, order.broadcast, order.token, rungs, progress, first, clock=bench.clock)
        self._attempt = attempt
        key = Key(order.broadcast, tuple(rungs.values()), first.init, first.discontinuity)
        bench.warm.begin(key, attempt)
        standing = None
        try:
            taken = woken or (bench.warm.take(key, order.msn) if attempt.is_fresh else None)
            if taken is not None:
                encoder, self._skip = taken.encoder, taken.fed
            else:
                # A rendition begun elsewhere goes on with its next part.
                encoder = self._start(first, rungs, {name: at.start for name, at in attempt.lanes.items() if at.part})
            standing = self._work(encoder, attempt, chain([first], source))
            bench.motions.measured(order.broadcast, encoder.quantisers(), rungs)
        finally:
            bench.warm.release(key, attempt, standing)
        if not attempt.succeeded:
            raise attempt.failure or self._given_up("its time is over")

    def _stand_by(self, first: Chunk, rungs: Mapping[str, Rung]) -> Promotion | None:
        order, bench = self._order, self._bench
        watch = standby.watch(order.broadcast, order.msn, order.token, tuple(rungs))
        return StandBy(
            self._supply,
            bench.warm,
            first,
            rungs,
            start=lambda: self._start(first, rungs, {}, dormant=True),
            watch=lambda: self._reader.run(watch),
            clock=bench.clock,
        ).run()

    def _start(
        self, first: Chunk, rungs: Mapping[str, Rung], starts: Mapping[str, int], *, dormant: bool = False
    ) -> Encoder:
        """A new encoder, which the watchdog knows of."""
        bench = self._bench
        encoder = self._supply.start(
            bench.ffmpeg, list(rungs.values()), first, starts=starts, codec=bench.codec, dormant=dormant
        )
        bench.warm.watch(encoder)
        return encoder

    def _is_over(self) -> bool:
        attempt = self._attempt
        return (
            (attempt is not None and attempt.over.is_set())
            or self._bench.clock() >= self._deadline
            or self._bench.draining()
        )

    def _given_up(self, reason: str) -> AttemptError:
        order = self._order
        if self._bench.draining():
            return Draining("this worker is stopping", broadcast=order.broadcast, msn=order.msn)
        return SourceLost(reason, broadcast=order.broadcast, msn=order.msn)

    def _rungs(self) -> dict[str, Rung]:
        """The claimed renditions, from the largest down."""
        described = self._reader.run(reading.description(self._order.broadcast))
        source = next((each for each in described.renditions if each.name == SOURCE), None) if described else None
        rungs = {rung.name: rung for rung in ladder(source)} if source else {}
        unknown = self._claim.progress.keys() - rungs.keys()
        if unknown:
            raise self._given_up(f"no ladder has {', '.join(sorted(unknown))}")
        return {name: rung for name, rung in rungs.items() if name in self._claim.progress}

    def _work(self, encoder: Encoder, attempt: Attempt, source: Iterator[Chunk | None]) -> Standing | None:
        """Feeds the segment, and the next one's start as far as needed; answers the encoder if it can go on."""
        keep = False
        try:
            self._pump(encoder, attempt, source)
            keep = attempt.succeeded and not self._finishing and not encoder.ended
        finally:
            assert attempt.end is not None or not keep
            encoder.detach(attempt.end or 0)
            if not keep:
                encoder.kill()
        return Standing(encoder, self._order.msn + 1, self._ahead) if keep else None

    def _pump(self, encoder: Encoder, attempt: Attempt, source: Iterator[Chunk | None]) -> None:
        # What was fed already may have brought out pictures of later segments: none is handed out before it is known
        # where this one ends.
        attempt.use(encoder, at_once=not self._skip)
        silent = 0
        for chunk in source:
            self._check(attempt)
            if chunk is not None:
                silent = 0
                self._take(encoder, attempt, chunk)
            else:
                silent += 1
                if attempt.end is not None and silent >= SILENT_READS:
                    self._flush(encoder)
            attempt.settle()
            if attempt.end is not None and attempt.over.wait(SETTLE_SECONDS):
                return
        if not attempt.over.is_set():
            attempt.fail(self._given_up("its time is over"))

    def _check(self, attempt: Attempt) -> None:
        """Gives up what another has, or what has no time left."""
        order, now = self._order, self._bench.clock()
        if now < self._check_at:
            return
        self._check_at = now + CHECK_SECONDS
        left_ms = self._reader.run(tasks.remaining(order.broadcast, order.msn, order.token, tuple(attempt.lanes)))
        if left_ms is None:
            attempt.settle()
            attempt.fail(AttemptRefused("it may publish nothing more", broadcast=order.broadcast, msn=order.msn))
        else:
            self._deadline = now + left_ms / 1000

    def _take(self, encoder: Encoder, attempt: Attempt, chunk: Chunk) -> None:
        """The source's next chunk, of this segment, or of the next one if this one's last pictures are held back."""
        first = self._first
        assert first is not None
        if chunk.msn > attempt.msn:
            attempt.close_at(self._boundary(first, chunk))
            if (chunk.init, chunk.discontinuity) != (first.init, first.discontinuity):
                self._flush(encoder)
            if attempt.over.is_set():
                return
            self._ahead += 1
        else:
            if chunk.gap:
                attempt.lose_from(chunk.dts)
                self._flush(encoder)
            if chunk.closes is Closes.SEGMENT:
                attempt.close_at(chunk.dts + chunk.duration)
        self._newest = chunk
        if self._finishing:
            return
        if not self._skip:
            feed(encoder, chunk)
            return
        self._skip -= 1
        if not self._skip:
            attempt.use(encoder, at_once=True)

    def _boundary(self, first: Chunk, following: Chunk) -> int:
        """Where a segment ends whose end wasn't announced."""
        if following.discontinuity == first.discontinuity:
            return following.dts
        newest = self._newest or first
        return newest.dts + newest.duration

    def _flush(self, encoder: Encoder) -> None:
        if not self._finishing:
            self._finishing = True
            encoder.finish()
