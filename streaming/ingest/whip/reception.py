"""What a receiver report says of one stream (RFC 3550 6.4.1): losses and jitter. Pure; times are handed in."""

from __future__ import annotations

LARGEST_LOST = 0x7FFFFF
"""The cumulative count has 24 bits, signed; doubled packets count against it."""


class Reception:
    """Counts a stream's packets as they arrive. `rate` is its clock's, in Hz."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._first: int | None = None
        self._highest = 0
        self.received = 0
        """Packets that came, doubled ones too."""
        self._expected_before = 0
        self._received_before = 0
        self._transit: int | None = None
        self._time = -1
        self._jitter = 0.0

    def arrived(self, number: int, time: int, now: float) -> None:
        """A packet came: its 16-bit number and 32-bit time, and when, in seconds."""
        self.received += 1
        if self._first is None:
            self._first = self._highest = number
        else:
            step = (number - self._highest + 0x8000) % 0x10000 - 0x8000
            if step <= 0:
                return
            self._highest += step
        if time == self._time:
            return  # of the same picture: packets of one time leave one after the other
        self._time = time
        transit = int(now * self._rate) - time
        if self._transit is not None:
            moved = (transit - self._transit + 0x80000000) % 0x100000000 - 0x80000000
            self._jitter += (abs(moved) - self._jitter) / 16  # RFC 3550 A.8
        self._transit = transit

    @property
    def has_begun(self) -> bool:
        return self._first is not None

    @property
    def highest(self) -> int:
        """The extended highest sequence number: how often it wrapped, and the newest, in 32 bits."""
        return self._highest & 0xFFFFFFFF

    @property
    def jitter(self) -> int:
        """In ticks of the stream's clock."""
        return min(int(self._jitter), 0xFFFFFFFF)

    @property
    def lost(self) -> int:
        """Packets that never came so far; less than 0 where some came twice."""
        return max(-LARGEST_LOST, min(self._expected - self.received, LARGEST_LOST))

    def fraction_lost(self) -> int:
        """The share lost since the last time that this was asked, in 1/256 (RFC 3550 A.3)."""
        expected = self._expected - self._expected_before
        lost = expected - (self.received - self._received_before)
        self._expected_before, self._received_before = self._expected, self.received
        return min((lost << 8) // expected, 255) if expected > 0 and lost > 0 else 0

    @property
    def _expected(self) -> int:
        return self._highest - self._first + 1 if self._first is not None else 0
