"""A fleet without processes: a dispatcher, and devices whose tasks run on threads of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from django.conf import settings

from streaming.bus import devices
from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey
from workers import transcode
from workers.dispatcher.commands import Order
from workers.dispatcher.loop import Dispatcher
from workers.errors import AttemptError
from workers.warm import WarmEncoders
from workers.worker import RENEW_SECONDS

NAMES = ("one", "other")
CAPACITY = 100_000_000
Message = tuple[str, transcode.Order]
"""The device it is for, and what it asks."""
Delivery = Callable[[Message], Sequence[Message]]
"""What a broker makes of a message that is sent: messages to hand over now."""


def at_once(message: Message) -> Sequence[Message]:
    """How a broker should be."""
    return [message]


class Fleet:
    """Devices on threads; `deliver` stands for the broker."""

    def __init__(self, bus: Valkey, *, deliver: Delivery = at_once) -> None:
        self._bus = bus
        self._deliver = deliver
        self.benches = {
            name: transcode.Workbench(
                bus=bus,
                warm=WarmEncoders(time.monotonic),
                ffmpeg=settings.FFMPEG,
                instance=f"{name}'s",
                clock=time.monotonic,
            )
            for name in NAMES
        }
        self._pool = ThreadPoolExecutor(32)
        self._running: list[Future[None]] = []
        self._stop = threading.Event()
        self.sent: list[Message] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While entered, what runs and is wanted is transcoded. What a task raises is raised at the end."""
        dispatcher = Dispatcher(self._bus, send_task=self._send, send_picture=lambda _: None, stop=self._stop)
        threads = [threading.Thread(target=run) for run in (self._renew, dispatcher.run)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
            for bench in self.benches.values():
                bench.warm.close()
            self._pool.shutdown()
        for future in self._running:
            future.result()

    def _send(self, order: Order, token: str) -> None:
        message = order.device, transcode.Order(order.broadcast, order.msn, token, tuple(sorted(order.expected)))
        self.sent.append(message)
        for device, asked in self._deliver(message):
            self._running.append(self._pool.submit(self._carry_out, device, asked))

    def _carry_out(self, device: str, asked: transcode.Order) -> None:
        with suppress(AttemptError, BusError):  # who fails or is refused says so on the bus
            transcode.transcode(asked, self.benches[device])

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_SECONDS):
            for name, bench in self.benches.items():
                bench.warm.sweep()
                with suppress(BusError):
                    self._bus.run(
                        devices.renew(devices.Device(name, "test", bench.instance, 8, devices.DeviceKind.CPU, CAPACITY))
                    )
