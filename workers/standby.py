"""A hot standby at a segment: an encoder that has decoded all that the attempt beside it has published, and no more.

Promoted, it encodes from the first unpublished picture on, with an IDR, and has only what lies there to catch up with:
no process to start, nothing to decode again. It costs a decoder meanwhile, and its encoder is kept from segment to
segment like any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from streaming.bus import standby
from streaming.bus.layout import Progress
from streaming.ladder import Rung
from streaming.media import Chunk, Closes
from workers.encoder import Encoder
from workers.supply import Supply, feed, units
from workers.warm import Key, Standing, WarmEncoders

POLL_MS = 40
"""How often a standby looks whether it was promoted: that is part of the time that a takeover takes."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promoted standby goes on with: how far each of its renditions has come, and the encoder that stands there;
    None where they stand apart, for one encoder has one first picture."""

    progress: dict[str, Progress | None]
    standing: Standing | None


class StandBy:
    """Stands by for the attempts at the segment that begins with `first`. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        supply: Supply,
        warm: WarmEncoders,
        first: Chunk,
        rungs: Mapping[str, Rung],
        *,
        start: Callable[[], Encoder],
        watch: Callable[[], standby.Watch],
        clock: Callable[[], float],
    ) -> None:
        self.msn = supply.msn
        self.moved_at = clock()
        self._supply = supply
        self._warm = warm
        self._first = first
        self._rungs = rungs
        self._start = start
        self._watch = watch
        self._clock = clock
        self._key = Key(supply.broadcast, tuple(rungs.values()), first.init, first.discontinuity, dormant=True)
        self._pending: deque[Chunk] = deque()
        self._fed = 0
        self._end: int | None = None
        """Where the segment ends (ticks), once all of it was read."""

    def run(self) -> Promotion | None:
        """Waits until it is promoted, or not needed any more (None)."""
        self._warm.begin(self._key, self)
        encoder, kept = None, None
        promotion = None
        try:
            encoder = self._encoder()
            watch = self._wait(encoder)
            if watch is not None and watch.promoted:
                promotion = self._promoted(encoder, watch)
            elif watch is not None and self._end is not None and not self._pending and not encoder.ended:
                encoder.detach(self._end)
                kept = Standing(encoder, self.msn + 1, 0)
            return promotion
        finally:
            if encoder is not None and kept is None and (promotion is None or promotion.standing is None):
                encoder.kill()
            self._warm.release(self._key, self, kept)

    def _encoder(self) -> Encoder:
        taken = self._warm.take(self._key, self.msn)
        if taken is None:
            return self._start()
        if taken.encoder.may_sleep_at(self._first.dts):
            return taken.encoder
        taken.encoder.kill()
        return self._start()

    def _wait(self, encoder: Encoder) -> standby.Watch | None:
        """What was seen last; None if the reading was stopped."""
        for chunk in self._supply.follow(block_ms=POLL_MS):
            if chunk is not None:
                self._read(chunk)
            watch = self._watch()
            self._catch_up(encoder, watch)
            if watch.promoted or (watch.over and (self._end is not None or not watch.done)):
                return watch
        return None

    def _read(self, chunk: Chunk) -> None:
        if chunk.msn == self.msn and not chunk.gap:
            self._pending.append(chunk)
        if chunk.msn > self.msn:
            self._end = chunk.dts if self._end is None else self._end
        elif chunk.closes is Closes.SEGMENT:
            self._end = chunk.dts + chunk.duration

    def _catch_up(self, encoder: Encoder, watch: standby.Watch) -> None:
        """Feeds what is shown before all that is unpublished."""
        reached = min(self._reached(progress) for progress in watch.progress.values())
        while self._pending and max(unit.pts for unit in units(self._pending[0])) < reached:
            feed(encoder, self._pending.popleft())
            self._fed += 1
            self.moved_at = self._clock()

    def _reached(self, progress: Progress | None) -> int:
        return self._first.dts if progress is None or progress.msn < self.msn else progress.end_dts

    def _promoted(self, encoder: Encoder, watch: standby.Watch) -> Promotion:
        progress = {name: watch.progress[name] for name in watch.mine}
        starts = {self._reached(each) for each in progress.values()}
        if len(starts) == 1 and watch.mine == self._rungs.keys() and not encoder.ended:
            encoder.wake(starts.pop())
            return Promotion(progress, Standing(encoder, self.msn, self._fed))
        return Promotion(progress, None)
