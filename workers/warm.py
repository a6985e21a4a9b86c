"""Warm encoders: kept between the segment tasks of a broadcast on this device, as a cache.

A task takes the encoder that stands exactly where its segment begins, with the same rungs, their bit rates among
them, and the same source format. If the task before is still at work on it, the next one waits for as long as parts
come out. No task depends on one being there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple, Protocol

import structlog

from streaming.ladder import Rung
from workers.encoder import Encoder

log = structlog.get_logger(__name__)

IDLE_SECONDS = 5.0
"""An encoder that nobody took for so long is ended: its broadcast has ended, or moved."""
HANG_SECONDS = 1.5
"""An ffmpeg that takes or gives nothing for so long, though it should, hangs: it is killed, and its attempt fails. By
then the dispatcher has long tried elsewhere; this frees the slot, and is the way out where there is no elsewhere."""
PATIENCE_SECONDS = 1.0
"""A task before that published nothing for so long is not waited for."""


class Key(NamedTuple):
    """What an encoder is good for. `init` and `discontinuity` are those of the source's chunks."""

    broadcast: str
    rungs: tuple[Rung, ...]
    init: int
    discontinuity: int
    dormant: bool = False


class Standing(NamedTuple):
    """An encoder at the start of a segment, of which `fed` source chunks have been fed already."""

    encoder: Encoder
    msn: int
    fed: int


class Work(Protocol):
    """What is at work on a segment: an attempt, or a standby. `moved_at` is when it last got on, on the clock."""

    @property
    def msn(self) -> int: ...

    @property
    def moved_at(self) -> float: ...


class WarmEncoders:
    """The encoders of one worker process, those at work and those kept. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[Key, tuple[Standing, float]] = {}
        self._busy: dict[tuple[Key, int], Work] = {}
        self._encoders: set[Encoder] = set()
        self._changed = threading.Condition()

    def begin(self, key: Key, work: Work) -> None:
        """Work starts; `release` must follow."""
        with self._changed:
            self._busy[key, work.msn] = work

    def take(self, key: Key, msn: int) -> Standing | None:
        """The encoder that stands at segment `msn`, if there is one or is about to be."""
        with self._changed:
            while True:
                kept, _ = self._kept.get(key, (None, 0.0))
                if kept is not None and kept.msn == msn:
                    del self._kept[key]
                    return kept if not kept.encoder.ended else None
                before = self._busy.get((key, msn - 1))
                if before is None or self._clock() - before.moved_at > PATIENCE_SECONDS:
                    return None
                self._changed.wait(0.1)

    def watch(self, encoder: Encoder) -> None:
        """A new encoder is at work; `sweep` sees to it from now on."""
        with self._changed:
            self._encoders.add(encoder)

    def release(self, key: Key, work: Work, standing: Standing | None) -> None:
        """Work is over; `standing` is the encoder it hands over, if any."""
        with self._changed:
            if self._busy.get((key, work.msn)) is work:
                del self._busy[key, work.msn]
            if standing is not None:
                replaced = self._kept.pop(key, None)
                if replaced is not None:
                    replaced[0].encoder.kill()
                self._kept[key] = (standing, self._clock())
            self._changed.notify_all()

    def sweep(self) -> None:
        """Ends encoders that hang and those that nobody takes. To be called a few times a second."""
        now = self._clock()
        with self._changed:
            for key, (standing, since) in list(self._kept.items()):
                if now - since > IDLE_SECONDS or standing.encoder.ended:
                    standing.encoder.kill()
                    del self._kept[key]
            for encoder in list(self._encoders):
                if encoder.ended:
                    self._encoders.discard(encoder)
                elif encoder.hangs(now, HANG_SECONDS):
                    log.warning("encoder.hangs", pid=encoder.pid)
                    encoder.kill()

    @property
    def encoders(self) -> frozenset[Encoder]:
        """Those at work or kept; the ended ones go with the next `sweep`."""
        return frozenset(self._encoders)

    def close(self) -> None:
        """Kills every encoder, and waits for their ends; attempts at work fail."""
        with self._changed:
            encoders = self.encoders
            self._kept.clear()
        for encoder in encoders:
            encoder.kill()
        for encoder in encoders:
            encoder.join()
