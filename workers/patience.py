"""Reading a bus that is away for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from streaming.bus.errors import BusUnavailable
from streaming.bus.layout import Call
from streaming.bus.reading import Runner

T = TypeVar("T")

PAUSE_SECONDS = 0.05


class PatientReader:
    """Makes calls that may be made twice, that is reads, and makes them again while the bus can't be reached.

    An encoder outlives a cut connection: to begin anew for it would cost a takeover of every broadcast at once. After
    `give_up()` the failure is raised.
    """

    def __init__(
        self, bus: Runner, *, give_up: Callable[[], bool], pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._bus = bus
        self._give_up = give_up
        self._pause = pause

    def run(self, call: Call[T]) -> T:
        """Raises BusUnavailable, and whatever the call's reply stands for."""
        while True:
            try:
                return self._bus.run(call)
            except BusUnavailable:
                if self._give_up():
                    raise
                self._pause(PAUSE_SECONDS)
