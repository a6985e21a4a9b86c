"""The NVIDIA GPUs of this host, as NVML tells them. A host without any, or without a driver, is an ordinary one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pynvml

_WITHOUT_NVENC = re.compile(r"\b(A30|A100|A800|H100|H200|H800|H20|GH200|B100|B200|GB200|B300|GB300)\b")
"""Data centre GPUs that were built without an encoder."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """`index` counts in the order of PCI addresses, as CUDA does under CUDA_DEVICE_ORDER=PCI_BUS_ID."""

    index: int
    uuid: str
    name: str

    @property
    def may_encode(self) -> bool:
        """False where it is known to have no NVENC; else trying tells."""
        return _WITHOUT_NVENC.search(self.name) is None


def gpus() -> tuple[Gpu, ...]:
    """All of them, by index. Raises nothing: where NVML is missing or fails there are none."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return tuple(
            Gpu(index, pynvml.nvmlDeviceGetUUID(handle), pynvml.nvmlDeviceGetName(handle))
            for index, handle in enumerate(handles)
        )
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()
