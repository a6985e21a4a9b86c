"""What `DEVICES` may say."""

from __future__ import annotations

import os

import pytest

from streaming.bus.devices import DeviceKind
from streaming.ffmpeg.command import VideoEncoder
from workers import devices
from workers.devices import MAX_SLOTS, UnknownDevice, declared_device, declared_devices, device_of_queue
from workers.gpus import Gpu, gpus

FIRST = Gpu(0, "GPU-01234567-89ab-cdef-0123-456789abcdef", "NVIDIA L4")
SECOND = Gpu(1, "GPU-fedcba98-7654-3210-fedc-ba9876543210", "NVIDIA H100 80GB HBM3")


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host as NVML would tell it that has them: none of those that run the tests does."""
    monkeypatch.setattr(devices, "gpus", lambda: (FIRST, SECOND))


@pytest.mark.parametrize(("declared", "cores"), [("cpu", set()), ("cpu:0", {0}), ("cpu:2-3", {2, 3})])
def test_a_device_is_a_set_of_cores(declared: str, cores: set[int]) -> None:
    device = declared_device("host", declared)
    assert device.cores == cores
    assert (device.kind, device.encoder) == (DeviceKind.CPU, VideoEncoder.X264)


@pytest.mark.parametrize("declared", ["", "cpu:", "cpu:x", "gpu", "gpu:", "gpu:x", "cpu:3-2", "cuda:0"])
def test_anything_else_is_refused_with_a_sentence(declared: str) -> None:
    with pytest.raises(UnknownDevice, match="DEVICES names"):
        declared_device("host", declared)


@pytest.mark.parametrize("declared", ["cpu:0", f"gpu:{FIRST.uuid}", "gpu:1"])
def test_a_device_is_known_by_its_queue(declared: str) -> None:
    device = declared_device("host", declared)
    assert device_of_queue("host", device.queue) == device
    assert device_of_queue("other", device.queue) is None
    assert device_of_queue("host", "durable") is None


def test_slots_and_what_it_is_taken_for_follow_the_cores() -> None:
    one, all_of_them = declared_device("host", "cpu:0"), declared_device("host", "cpu")
    cores = len(os.sched_getaffinity(0))
    assert (one.slots, all_of_them.slots) == (8, min(MAX_SLOTS, 8 * cores))
    assert one.threads == 16  # two tasks of a broadcast overlap where one segment ends and the next begins
    assert all_of_them.capacity == cores * one.capacity


def test_a_core_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownDevice, match="the cores are"):
        declared_device("host", "cpu:4095").pin()


@pytest.mark.skipif(bool(gpus()), reason="this host has a GPU")
def test_a_host_without_gpus_is_an_ordinary_one() -> None:
    assert [device.declared for device in declared_devices("host", ["auto"])] == ["cpu"]
    with pytest.raises(UnknownDevice, match="this host has no GPU"):
        declared_devices("host", ["gpu:0"])


@pytest.mark.usefixtures("two_gpus")
def test_gpus_are_found_and_those_without_an_encoder_left_out() -> None:
    assert [device.declared for device in declared_devices("host", ["auto"])] == ["gpu:0", "cpu"]
    assert [device.declared for device in declared_devices("host", ["cpu:0", "auto", "gpu:0"])] == [
        "cpu:0",
        "gpu:0",
        "cpu",
    ]


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("declared", ["gpu:1", f"gpu:{SECOND.uuid}"])
def test_a_gpu_that_is_named_is_tried_whatever_it_is(declared: str) -> None:
    (device,) = declared_devices("host", [declared])
    assert device.environment() == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": SECOND.uuid}
    assert (device.kind, device.encoder, device.capacity) == (DeviceKind.GPU, VideoEncoder.NVENC, 0)


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_that_is_not_there_is_told_from_those_that_are() -> None:
    with pytest.raises(UnknownDevice, match=r"the GPUs are 0 \(NVIDIA L4, GPU-0123.*\), 1 \(NVIDIA H100"):
        declared_devices("host", ["gpu:2"])


@pytest.mark.parametrize(
    ("name", "may_encode"),
    [
        ("NVIDIA A100-SXM4-80GB", False),
        ("NVIDIA H200", False),
        ("NVIDIA GH200 480GB", False),
        ("NVIDIA A10", True),
        ("NVIDIA L40S", True),
        ("NVIDIA GeForce RTX 4090", True),
        ("Tesla V100-SXM2-16GB", True),
        ("NVIDIA RTX A1000", True),
    ],
)
def test_models_without_an_encoder_are_known(name: str, may_encode: bool) -> None:
    assert Gpu(0, "GPU-0", name).may_encode == may_encode
