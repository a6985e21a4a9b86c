"""The bytes players ask for most: the newest parts and segments of what is being watched."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

LIMIT = 256 * 1024 * 1024


class BodyName(NamedTuple):
    """A run of bus entries: what they make up never changes."""

    broadcast: str
    rendition: str
    first: bytes
    last: bytes


class Bodies:
    """Keeps at most `limit` bytes, those asked for last. What was forgotten is read from the bus again."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._bodies: OrderedDict[BodyName, bytes] = OrderedDict()
        self.size = 0

    def get(self, name: BodyName) -> bytes | None:
        body = self._bodies.get(name)
        if body is not None:
            self._bodies.move_to_end(name)
        return body

    def put(self, name: BodyName, body: bytes) -> None:
        """Keeps a body, unless it alone is beyond the limit."""
        self.size += len(body) - len(self._bodies.pop(name, b""))
        self._bodies[name] = body
        while self.size > self._limit:
            _, oldest = self._bodies.popitem(last=False)
            self.size -= len(oldest)

    def forget(self, broadcast: str) -> None:
        """Drops all of a broadcast that nobody watches any more."""
        for name in [name for name in self._bodies if name.broadcast == broadcast]:
            self.size -= len(self._bodies.pop(name))
