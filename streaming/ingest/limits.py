"""How much one address may ask of the server; all of an IPv6 subscriber's addresses count as one."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from accounts.addresses import owner_of

WINDOW = 60.0
"""Seconds in which wrong keys are counted."""
MAX_ADDRESSES = 10_000
"""Addresses with wrong keys that are remembered; beyond that the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`connections` at a time in all and per address; `wrong_keys` per address and minute.

    Times in seconds: `handshake` until the handshake is done, `setup` from there until something is published, `write`
    until the encoder has taken what is sent to it, `linger` until an encoder that was refused hangs up.
    """

    connections: int = 1_000
    connections_per_address: int = 20
    wrong_keys: int = 10
    handshake: float = 5.0
    setup: float = 10.0
    write: float = 5.0
    linger: float = 2.0


class AddressBook:
    """Who is connected, and who tried wrong keys. `monotonic` is a clock in seconds."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._connected: Counter[str] = Counter()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    @contextmanager
    def connected(self, address: str) -> Iterator[bool]:
        """Counts a connection while the block lasts; false when it is one too many."""
        limits, owner = self._limits, owner_of(address)
        allowed = (
            self._connected.total() < limits.connections and self._connected[owner] < limits.connections_per_address
        )
        if not allowed:
            yield False
            return
        self._connected[owner] += 1
        try:
            yield True
        finally:
            self._connected[owner] -= 1
            if not self._connected[owner]:
                del self._connected[owner]

    def may_try(self, address: str) -> bool:
        """Whether another key may be tried from here."""
        return len(self._recent(owner_of(address))) < self._limits.wrong_keys

    def wrong_key(self, address: str) -> None:
        """Count a key that nobody has."""
        owner = owner_of(address)
        recent = self._recent(owner)
        recent.append(self._monotonic())
        self._wrong[owner] = recent
        self._wrong.move_to_end(owner)
        if len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)

    def _recent(self, owner: str) -> deque[float]:
        recent = self._wrong.get(owner)
        if recent is None:
            return deque(maxlen=self._limits.wrong_keys)
        while recent and recent[0] <= self._monotonic() - WINDOW:
            recent.popleft()
        if not recent:
            del self._wrong[owner]
        return recent
