"""What this host encodes on, as `DEVICES` declares it: GPUs, and sets of CPU cores."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from streaming.bus.devices import DeviceKind
from streaming.ffmpeg.command import VideoEncoder
from workers.gpus import Gpu, gpus

log = structlog.get_logger(__name__)

SLOTS_PER_CORE = 8
"""Segment tasks at a time per core. Most of them wait for media: what bounds a device is what it can encode."""
MAX_SLOTS = 64
THREADS_PER_SLOT = 2
"""A segment's last pictures may come with the next one's first, so two tasks of a broadcast overlap; and who stands by
for another device holds a thread, too."""
CORE_CAPACITY = 60_000_000
"""Pixels a second that a core is taken to encode until it was measured."""
QUEUE_PREFIX = "transcode."
AUTO = "auto"

_CORES = re.compile(r"cpu(?::(\d+)(?:-(\d+))?)?")
_GPU = re.compile(r"gpu:(\d+|GPU-[0-9a-f-]+)")


class UnknownDevice(ValueError):
    """`declared` is not a device this host can be told to encode on."""

    def __init__(self, declared: str, reason: str) -> None:
        super().__init__(f"DEVICES names {declared!r}: {reason}")
        self.declared = declared


@dataclass(frozen=True, slots=True)
class DeclaredDevice:
    """A GPU, by its index or UUID, or a set of CPU cores. `cores` is empty where it is all that the process may use."""

    host: str
    declared: str
    cores: frozenset[int] = frozenset()
    gpu: str = ""

    @property
    def name(self) -> str:
        """Its name in the fleet."""
        return f"{self.host}.{self.declared}"

    @property
    def queue(self) -> str:
        """The queue of its segment tasks."""
        return QUEUE_PREFIX + self.name

    @property
    def kind(self) -> DeviceKind:
        return DeviceKind.GPU if self.gpu else DeviceKind.CPU

    @property
    def encoder(self) -> VideoEncoder:
        return VideoEncoder.NVENC if self.gpu else VideoEncoder.X264

    @property
    def width(self) -> int:
        """How many cores it has; those of the host, for a GPU."""
        return len(self.cores) or len(os.sched_getaffinity(0))

    @property
    def slots(self) -> int:
        """How many segment tasks it takes at a time."""
        return MAX_SLOTS if self.gpu else min(MAX_SLOTS, SLOTS_PER_CORE * self.width)

    @property
    def threads(self) -> int:
        """How many threads its worker has for them."""
        return THREADS_PER_SLOT * self.slots

    @property
    def capacity(self) -> int:
        """Pixels a second that it is taken to encode until it was measured: of a GPU nothing is taken for granted."""
        return 0 if self.gpu else CORE_CAPACITY * self.width

    def check(self) -> None:
        """Raises UnknownDevice if this process may not run on the device's cores, or the host has no such GPU."""
        if self.gpu:
            self._found()
        elif not self.cores <= os.sched_getaffinity(0):
            raise UnknownDevice(self.declared, f"the cores are {available()}")

    def environment(self) -> dict[str, str]:
        """What its worker process, and whatever that starts, must find in the environment. Raises UnknownDevice."""
        if not self.gpu:
            return {}
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": self._found().uuid}

    def pin(self) -> None:
        """Binds this process, and whatever it starts, to the device's GPU or cores. Raises UnknownDevice."""
        os.environ.update(self.environment())
        if self.cores:
            self.check()
            os.sched_setaffinity(0, self.cores)

    def _found(self) -> Gpu:
        found = gpus()
        for gpu in found:
            if self.gpu in (str(gpu.index), gpu.uuid):
                return gpu
        there = ", ".join(f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in found)
        raise UnknownDevice(self.declared, f"the GPUs are {there}" if there else "this host has no GPU, or no driver")


def available() -> str:
    """The cores this process may run on, in words."""
    return ", ".join(str(core) for core in sorted(os.sched_getaffinity(0)))


def declared_devices(host: str, words: Sequence[str]) -> list[DeclaredDevice]:
    """The devices of `DEVICES`, in its order, each checked; `auto` is every GPU that may encode, and the CPU.

    Raises UnknownDevice.
    """
    found: dict[str, DeclaredDevice] = {}
    for word in words:
        for declared in _automatic() if word == AUTO else [word]:
            found[declared] = declared_device(host, declared)
            found[declared].check()
    return list(found.values())


def declared_device(host: str, declared: str) -> DeclaredDevice:
    """`cpu` (all cores), `cpu:0`, `cpu:2-3`, `gpu:0` or `gpu:GPU-<uuid>`. Raises UnknownDevice."""
    gpu = _GPU.fullmatch(declared)
    if gpu is not None:
        return DeclaredDevice(host, declared, gpu=gpu.group(1))
    found = _CORES.fullmatch(declared)
    if found is None:
        raise UnknownDevice(
            declared, "it must be auto, cpu, cpu:<core>, cpu:<first>-<last>, gpu:<index> or gpu:GPU-<uuid>"
        )
    first, last = found.group(1), found.group(2)
    if first is None:
        return DeclaredDevice(host, declared)
    cores = frozenset(range(int(first), int(last if last is not None else first) + 1))
    if not cores:
        raise UnknownDevice(declared, "the range of its cores is empty")
    return DeclaredDevice(host, declared, cores)


def device_of_queue(host: str, queue: str) -> DeclaredDevice | None:
    """The device whose tasks a queue carries; None for other queues and other hosts' devices. Raises UnknownDevice."""
    prefix = f"{QUEUE_PREFIX}{host}."
    return declared_device(host, queue.removeprefix(prefix)) if queue.startswith(prefix) else None


def _automatic() -> list[str]:
    words = []
    for gpu in gpus():
        if gpu.may_encode:
            words.append(f"gpu:{gpu.index}")
        else:
            log.warning("device.left_out", gpu=gpu.index, name=gpu.name, reason="this model has no NVENC")
    return [*words, "cpu"]
