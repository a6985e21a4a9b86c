"""Many callers at one moment, on connections of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")
RACERS = 8


def race(act: Callable[[int], T]) -> list[T]:
    """Runs `act(0)` to `act(RACERS - 1)` at once, each on a connection of its own."""
    start = Barrier(RACERS)

    def racer(number: int) -> T:
        try:
            connection.ensure_connection()
            start.wait()
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(racer, range(RACERS)))
