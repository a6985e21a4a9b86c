"""One RTP stream's packets put in order: what is missing is asked for, and given up when it doesn't come. Pure.

A packet that is not there is asked for after ASK_AFTER s, since most are only late, and again every ASK_AGAIN s. After
PATIENCE s it is lost: reading goes on behind the hole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Packet = TypeVar("Packet")

SETTLE = 0.06
"""Seconds for which the first packets are kept back: they may overtake each other too, and are a keyframe's."""
ASK_AFTER = 0.02
ASK_AGAIN = 0.06
PATIENCE = 0.6
"""Seconds a hole may stay open: several retransmissions on a slow path, and less than what players hold back."""
MAX_WAITING = 4_096
"""Packets held behind a hole, 40 Mbit/s over PATIENCE; more is a hole given up."""
MAX_ASKED = 256
"""Packets asked for at a time. A longer hole is an outage: it is waited out."""


@dataclass(slots=True)
class _Hole:
    since: float
    ask_at: float


class PacketQueue(Generic[Packet]):
    """Takes packets as they arrive, hands them out in order; None stands for a hole that was given up.

    `patience` is in seconds, for streams whose lost packets nobody sends again.
    """

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._waiting: dict[int, Packet] = {}
        self._holes: dict[int, _Hole] = {}
        self._next: int | None = None
        self._highest = 0
        self._settled_at: float | None = None
        """Until when a packet may still come before all others; None once reading has begun."""
        self.lost = 0
        """Packets given up so far."""

    @property
    def has_holes(self) -> bool:
        return bool(self._holes)

    def passes(self, number: int) -> bool:
        """Whether the packet of this number is the next to be read; then it is, and needs no place in the queue."""
        if self._settled_at is not None or self._next is None or self._waiting or number != self._next & 0xFFFF:
            return False
        self._holes.pop(self._next, None)
        self._highest = max(self._highest, self._next)
        self._next += 1
        return True

    def add(self, number: int, packet: Packet, now: float) -> None:
        """Take the packet of a 16-bit sequence number."""
        if self._next is None:
            self._next = self._highest = number
            self._settled_at = now + SETTLE
            self._waiting[number] = packet
            return
        # RFC 3550 A.1: how far from the newest, wherever the 16 bits wrapped
        step = (number - self._highest + 0x8000) % 0x10000 - 0x8000
        index = self._highest + step
        if step > MAX_WAITING:
            self._begin_anew(index, packet)
            return
        if index < self._next and (self._settled_at is None or self._next - index > MAX_WAITING):
            return  # too late, or here before
        for missing in range(index + 1, self._next):
            self._holes[missing] = _Hole(now, now + ASK_AFTER)
        self._next = min(self._next, index)
        self._waiting[index] = packet
        self._holes.pop(index, None)
        for missing in range(self._highest + 1, index):
            self._holes[missing] = _Hole(now, now + ASK_AFTER)
        self._highest = max(self._highest, index)

    def take(self, now: float) -> Iterator[Packet | None]:
        """What can be read by now."""
        if self._settled_at is not None and now < self._settled_at:
            return
        self._settled_at = None
        while self._next is not None:
            if self._next in self._waiting:
                yield self._waiting.pop(self._next)
                self._next += 1
            elif self._waiting and self._gives_up(now):
                self._next = self._skip(self._next)
                yield None
            else:
                return

    def ask(self, now: float) -> list[int]:
        """Sequence numbers to ask for now."""
        due = [index for index, hole in self._holes.items() if hole.ask_at <= now][:MAX_ASKED]
        for index in due:
            self._holes[index].ask_at = now + ASK_AGAIN
        return [index % 0x10000 for index in sorted(due)]

    def _gives_up(self, now: float) -> bool:
        if len(self._waiting) > MAX_WAITING:
            return True
        assert self._next is not None
        hole = self._holes.get(self._next)
        return hole is None or now - hole.since >= self._patience

    def _skip(self, index: int) -> int:
        """The first packet that is there behind a hole."""
        there = min(self._waiting)
        for missing in range(index, there):
            self._holes.pop(missing, None)
        self.lost += there - index
        return there

    def _begin_anew(self, index: int, packet: Packet) -> None:
        """So far ahead that nothing before it is worth waiting for."""
        assert self._next is not None
        self.lost += index - self._next - len(self._waiting)
        self._holes.clear()
        self._waiting = {index: packet}
        self._highest = index
        # one number before it stays open, so that `take` tells of the hole
        self._next = index - 1
