"""Answering many who ask at once by one look-up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from chat.errors import ChatUnavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_WAITING = 20_000


class Together(Generic[K, V]):
    """Gathers questions while one look-up is under way, and asks them all in the next.

    A single question goes at once; of a storm of them each look-up takes up to `most`, so that what a look-up costs by
    itself (a hop to a thread, a connection to PostgreSQL) is shared. `look_up` answers by key; a key that it leaves out
    has no answer.
    """

    def __init__(self, look_up: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int = 250) -> None:
        self._look_up = look_up
        self._most = most
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._working: asyncio.Task[None] | None = None

    async def ask(self, key: K) -> V | None:
        """The answer, None without one. Raises what the look-up raises, and ChatUnavailable when too many wait."""
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= MOST_WAITING:
                raise ChatUnavailable
            waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._working is None:
            self._working = asyncio.get_running_loop().create_task(self._work())
        return await asyncio.shield(waiting)

    async def _work(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[: self._most]
                asked = {key: self._waiting.pop(key) for key in keys}
                try:
                    answers = await self._look_up(keys)
                except Exception as error:  # noqa: BLE001 - it is theirs who ask
                    for future in asked.values():
                        future.set_exception(error)
                        future.exception()  # whoever asked may have gone
                else:
                    for key, future in asked.items():
                        future.set_result(answers.get(key))
        finally:
            self._working = None
