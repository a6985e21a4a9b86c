"""One room as this process sees it: its newest records, its viewers here, and the batches they get."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from chat import metrics
from chat.bus.layout import CONTROL, EPHEMERAL, MESSAGE
from chat.bus.log import Record, Tail
from chat.facts import Facts

RING = 1_000
"""The newest records kept here, so that most who reconnect cost Valkey nothing."""
PENDING = 20_000
"""The most records that wait for the next batch; above that the oldest are dropped and viewers are told to resume."""
BATCH_S = 0.05
LARGE_BATCH_S = 0.25
LARGE_ROOM = 10_000
FRAME = 65_536
"""Characters of messages in one frame. A server takes a frame whole, however large: what the outbox bounds must come
to it in pieces."""
SLICE = 250
"""Sockets served between two turns of the event loop: about 3 ms."""


class Viewer(Protocol):
    """A socket in a room. `since` is the offset its welcome went up to."""

    since: int

    @property
    def identity(self) -> str:
        """Who it is to a count of people: a user's id, else something of the socket's own."""

    def take(self, batch: Batch) -> None:
        """Sends a batch. It must not wait."""

    def room_changed(self, facts: Facts) -> None:
        """The room's settings are others now."""

    def room_closed(self) -> None:
        """The room is no more."""


class Batch:
    """Records that go out together, encoded once for each kind of viewer, by whoever asks first."""

    __slots__ = ("encoded", "first", "last", "records")

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        numbered = [record.offset for record in records if record.offset]
        self.first = numbered[0] if numbered else 0
        self.last = numbered[-1] if numbered else 0
        self.encoded: dict[object, object] = {}

    def after(self, offset: int) -> Batch:
        """The part of it that comes after `offset`; what has no number stays."""
        if self.first > offset or not self.first:
            return self
        return Batch([record for record in self.records if not record.offset or record.offset > offset])


def window_s(viewers: int) -> float:
    """How long messages gather before they go out, by the number of viewers here."""
    return BATCH_S + (LARGE_BATCH_S - BATCH_S) * min(1.0, max(0, viewers - 1_000) / (LARGE_ROOM - 1_000))


class Room:
    """See the module. `offset` is the newest record's; `epoch` is empty until the log was read.

    `on_gap` is called when a record is missing here: the caller reads the log and calls `catch_up`.
    """

    def __init__(self, room: str, *, on_gap: Callable[[Room], None]) -> None:
        self.room = room
        self.epoch = ""
        self.offset = 0
        self.facts: Facts | None = None
        self.reliable = True
        self.present = 0
        """How many are in the room, in all processes, when it was last counted."""
        self.viewers: dict[Viewer, None] = {}
        self.ring: deque[Record] = deque(maxlen=RING)
        self.opened = asyncio.Event()
        self._on_gap = on_gap
        self._held: list[Record] = []
        self._pending: list[Record] = []
        self._flusher: asyncio.Task[None] | None = None
        self._flushed_at = 0.0

    def open(self, tail: Tail) -> None:
        """Takes over the end of the log; what came meanwhile follows."""
        if self.epoch and self.epoch != tail.epoch:
            self.ring.clear()
            self.offset = 0
        self.epoch = tail.epoch
        for record in tail.records:
            if record.offset > self.offset:
                self.ring.append(record)
        self.offset = max(self.offset, tail.offset)
        self.opened.set()
        held, self._held = self._held, []
        for record in held:
            self.receive(record)

    def receive(self, record: Record) -> None:
        """Takes a record from the subscription, each once and in order."""
        if record.kind == EPHEMERAL:
            self.show(record)
        elif not self.opened.is_set():
            self._held.append(record)
        elif record.follows(self.offset):
            self._accept(record)
        elif record.offset > self.offset:
            self._held.append(record)
            if len(self._held) == 1:
                self._on_gap(self)
        elif record.offset < self.offset - RING or record.offset == 1:
            # Numbers that begin anew are another epoch's: the room was emptied while we listened.
            self._held.append(record)
            if len(self._held) == 1:
                self._on_gap(self)

    def catch_up(self, tail: Tail) -> bool:
        """Takes what the log had after `offset`. False when some of that is gone: viewers must begin anew.

        A Valkey that was killed may stand before `offset`, having lost what viewers saw; its numbers go on beyond.
        """
        if tail.records:
            whole = tail.epoch == self.epoch and tail.records[0].reaches(self.offset)
        else:
            whole = tail.epoch == self.epoch and tail.offset <= self.offset
        if not whole:
            self.ring.clear()
            self.epoch = tail.epoch
            self.offset = tail.records[0].offset - 1 if tail.records else tail.offset
        for record in tail.records:
            if record.offset > self.offset:
                self._accept(record)
        held, self._held = self._held, []
        for record in held:
            if record.offset > self.offset:
                self.receive(record)
        return whole

    def show(self, record: Record) -> None:
        """Sends a record to the viewers here, numbered or not."""
        if not self.viewers:
            return
        self._pending.append(record)
        if len(self._pending) > PENDING:
            del self._pending[: PENDING // 2]
            metrics.DROPPED.inc(PENDING // 2)
        if self._flusher is None:
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    def newest(self, count: int) -> list[Record]:
        """The last messages and controls, oldest first."""
        return list(self.ring)[-count:]

    def since(self, offset: int) -> list[Record] | None:
        """All after `offset`, or None when the ring does not go back so far."""
        if offset == self.offset:
            return []
        if not self.ring or not self.ring[0].reaches(offset):
            return None
        return [record for record in self.ring if record.offset > offset]

    def _accept(self, record: Record) -> None:
        self.offset = record.offset
        self.ring.append(record)
        self.show(record)

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._pending:
                wait = self._flushed_at + window_s(len(self.viewers)) - loop.time()
                # The first after a pause goes at once; in a busy room the batch gathers.
                await asyncio.sleep(max(0.0, wait))
                batch, self._pending = Batch(self._pending), []
                self._flushed_at = loop.time()
                await self._send(batch, list(self.viewers))
        finally:
            self._flusher = None

    async def _send(self, batch: Batch, viewers: list[Viewer]) -> None:
        metrics.DELIVERIES.inc(len(viewers) * len(batch.records))
        for number, viewer in enumerate(viewers, start=1):
            if viewer in self.viewers:
                viewer.take(batch if viewer.since < batch.first or not batch.first else batch.after(viewer.since))
            if number % SLICE == 0:
                await asyncio.sleep(0)

    def close(self) -> None:
        if self._flusher is not None:
            self._flusher.cancel()


def frames(records: Iterable[Record]) -> list[list[Record]]:
    """Runs of messages of at most FRAME characters, each to go out as one frame, and controls alone between them."""
    runs: list[list[Record]] = []
    size = 0
    for record in records:
        if record.kind == MESSAGE and runs and runs[-1][0].kind == MESSAGE and size + len(record.text) <= FRAME:
            runs[-1].append(record)
            size += len(record.text)
        else:
            runs.append([record])
            size = len(record.text)
    return runs


def local(kind: bytes, text: str) -> Record:
    """A record that no log has: what is said while Valkey is away, or by this process."""
    return Record(0, kind, text)


__all__ = ["CONTROL", "Batch", "Room", "Viewer", "frames", "local", "window_s"]
