"""What a worker process holds between its tasks: the bus, warm encoders, its device's lease, and a watchdog."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace

import structlog

from streaming.bus import devices
from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey
from workers.devices import THREADS_PER_SLOT, DeclaredDevice
from workers.probe import Measured, probe
from workers.prober import Prober
from workers.transcode import Workbench
from workers.warm import WarmEncoders

log = structlog.get_logger(__name__)

RENEW_SECONDS = 0.2
"""How often the lease is renewed: a dispatcher misses a worker that was stopped after three times that."""
SWEEP_SECONDS = 0.25
DRAIN_SECONDS = 30.0
"""What running segments get to finish when the worker is told to stop."""


class Worker:
    """A worker process at work on one device. `start` before the first task, `drain` when told to stop."""

    def __init__(
        self, device: DeclaredDevice, *, bus_url: str, ffmpeg: str, threads: int, capacity: int | None = None
    ) -> None:
        """`threads` is how many there are for tasks; a `capacity` that is given need not be measured."""
        slots = max(1, threads // THREADS_PER_SLOT)
        self._bus = Valkey(bus_url, connections=threads * 2, readers=threads)
        self._lease = Valkey(bus_url, connections=1, readers=1)
        self._warm = WarmEncoders(time.monotonic)
        # A CPU is offered at once, for what it is taken to do. Whether a GPU encodes at all has yet to be seen.
        offered = 0 if device.kind is devices.DeviceKind.GPU else slots
        taken_for = device.capacity if capacity is None else capacity
        self._device = devices.Device(device.name, device.host, secrets.token_hex(8), offered, device.kind, taken_for)
        self._slots = slots
        self._given = capacity
        self._lock = threading.Lock()
        """Held while what is offered changes: a device that drains is not offered anew."""
        self._stopped = threading.Event()
        self._drain_until: float | None = None
        self._lost = False
        self.bench = Workbench(
            bus=self._bus,
            warm=self._warm,
            ffmpeg=ffmpeg,
            instance=self._device.instance,
            clock=time.monotonic,
            draining=self._is_overdue,
            codec=device.encoder,
        )
        needs_probe = capacity is None or device.kind is devices.DeviceKind.GPU
        self.prober = (
            Prober(
                device.name,
                lambda: probe(ffmpeg, device.kind, device.encoder, cores=device.width),
                self._found,
            )
            if needs_probe
            else None
        )
        self._threads = [
            threading.Thread(target=self._keep_lease, name="lease", daemon=True),
            threading.Thread(target=self._watch, name="watchdog", daemon=True),
        ]

    def start(self) -> None:
        """Offers the device to the dispatcher, and begins to watch over encoders."""
        for thread in self._threads:
            thread.start()
        if self.prober is not None:
            self.prober.start()
        log.info("device.offered", device=self._device.name, slots=self._device.slots)

    def suspect(self) -> None:
        """An encoder failed: has the device probed again."""
        if self.prober is not None:
            self.prober.suspect()

    def _found(self, measured: Measured | None) -> None:
        with self._lock:
            if self._drain_until is not None:
                return
            slots = 0
            if measured is not None:
                slots = self._slots if measured.ladders is None else min(self._slots, measured.ladders)
            capacity = self._device.capacity if measured is None else measured.capacity
            self._device = replace(self._device, slots=slots, capacity=self._given or capacity)
        self._renew()

    def drain(self) -> None:
        """No new tasks, please; those at work get DRAIN_SECONDS."""
        if self._drain_until is None:
            with self._lock:
                self._drain_until = time.monotonic() + DRAIN_SECONDS
                self._device = replace(self._device, slots=0)
            self._renew()

    def stop(self) -> None:
        """Gives the device back and ends what is left."""
        self._stopped.set()
        if self.prober is not None:
            self.prober.close()
        for thread in self._threads:
            if thread.is_alive():  # it may be told to stop before it has begun
                thread.join()
        try:
            self._lease.run(devices.drop(self._device))
        except BusError as error:
            log.warning("device.lease", error=str(error))
        self._warm.close()

    def _is_overdue(self) -> bool:
        return self._drain_until is not None and time.monotonic() >= self._drain_until

    def _keep_lease(self) -> None:
        while True:
            self._renew()
            if self._stopped.wait(RENEW_SECONDS):
                return

    def _renew(self) -> None:
        try:
            self._lease.run(devices.renew(self._device))
            self._lost = False
        except BusError as error:
            if not self._lost:
                log.warning("device.lease", device=self._device.name, error=str(error))
            self._lost = True

    def _watch(self) -> None:
        while not self._stopped.wait(SWEEP_SECONDS):
            self._warm.sweep()
            if self._is_overdue():
                self._warm.close()
