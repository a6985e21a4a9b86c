"""What was asked of the database a moment ago."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The last `most` values, each at most `seconds` old by `clock`."""

    def __init__(self, *, most: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()

    async def get(self, key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        """The value under `key`, loaded unless it is there. What raises is not kept."""
        known = self._kept.get(key)
        if known is not None and self._clock() - known[0] < self._seconds:
            return known[1]
        value = await load()
        self._kept[key] = self._clock(), value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value
