"""What this host encodes on, as `DEVICES` declares it. Pure but for pinning the process to its cores."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from streaming.bus.devices import DeviceKind

SLOTS_PER_CORE = 8
"""Segment tasks at a time per core. Most of them wait for media: what bounds a device is what it can encode."""
MAX_SLOTS = 64
CORE_CAPACITY = 40_000_000
"""Pixels a second that a core is taken to encode until it was measured."""
QUEUE_PREFIX = "transcode."

_CORES = re.compile(r"cpu(?::(\d+)(?:-(\d+))?)?")


class UnknownDevice(ValueError):
    """`declared` is not a device this host can be told to encode on."""

    def __init__(self, declared: str, reason: str) -> None:
        super().__init__(f"DEVICES names {declared!r}: {reason}")
        self.declared = declared


@dataclass(frozen=True, slots=True)
class DeclaredDevice:
    """A set of CPU cores. `cores` is empty where it is all that the process may use."""

    host: str
    declared: str
    cores: frozenset[int]

    @property
    def name(self) -> str:
        """Its name in the fleet."""
        return f"{self.host}.{self.declared}"

    @property
    def queue(self) -> str:
        """The queue of its segment tasks."""
        return QUEUE_PREFIX + self.name

    @property
    def slots(self) -> int:
        """How many segment tasks it takes at a time."""
        return min(MAX_SLOTS, SLOTS_PER_CORE * self._width)

    @property
    def kind(self) -> DeviceKind:
        return DeviceKind.CPU

    @property
    def capacity(self) -> int:
        """Pixels a second that it is taken to encode."""
        return CORE_CAPACITY * self._width

    @property
    def _width(self) -> int:
        return len(self.cores) or len(os.sched_getaffinity(0))

    def check(self) -> None:
        """Raises UnknownDevice if this process may not run on the device's cores."""
        if not self.cores <= os.sched_getaffinity(0):
            raise UnknownDevice(self.declared, f"the cores are {available()}")

    def pin(self) -> None:
        """Binds this process, and whatever it starts, to the device's cores. Raises UnknownDevice."""
        if self.cores:
            self.check()
            os.sched_setaffinity(0, self.cores)


def available() -> str:
    """The cores this process may run on, in words."""
    return ", ".join(str(core) for core in sorted(os.sched_getaffinity(0)))


def declared_device(host: str, declared: str) -> DeclaredDevice:
    """`cpu` (all cores), `cpu:0` or `cpu:2-3`. Raises UnknownDevice."""
    found = _CORES.fullmatch(declared)
    if found is None:
        raise UnknownDevice(declared, "it must be cpu, cpu:<core> or cpu:<first>-<last>")
    first, last = found.group(1), found.group(2)
    if first is None:
        return DeclaredDevice(host, declared, frozenset())
    cores = frozenset(range(int(first), int(last if last is not None else first) + 1))
    if not cores:
        raise UnknownDevice(declared, "the range of its cores is empty")
    return DeclaredDevice(host, declared, cores)


def device_of_queue(host: str, queue: str) -> DeclaredDevice | None:
    """The device whose tasks a queue carries; None for other queues and other hosts' devices. Raises UnknownDevice."""
    prefix = f"{QUEUE_PREFIX}{host}."
    return declared_device(host, queue.removeprefix(prefix)) if queue.startswith(prefix) else None
