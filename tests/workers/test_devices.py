"""What `DEVICES` may say."""

from __future__ import annotations

import os

import pytest

from workers.devices import UnknownDevice, declared_device, device_of_queue


@pytest.mark.parametrize(("declared", "cores"), [("cpu", set()), ("cpu:0", {0}), ("cpu:2-3", {2, 3})])
def test_a_device_is_a_set_of_cores(declared: str, cores: set[int]) -> None:
    assert declared_device("host", declared).cores == cores


@pytest.mark.parametrize("declared", ["", "cpu:", "cpu:x", "gpu", "cpu:3-2", "cuda:0"])
def test_anything_else_is_refused_with_a_sentence(declared: str) -> None:
    with pytest.raises(UnknownDevice, match="DEVICES names"):
        declared_device("host", declared)


def test_a_device_is_known_by_its_queue() -> None:
    device = declared_device("host", "cpu:0")
    assert device_of_queue("host", device.queue) == device
    assert device_of_queue("other", device.queue) is None
    assert device_of_queue("host", "durable") is None


def test_slots_follow_the_cores() -> None:
    assert declared_device("host", "cpu:0").slots == 8
    assert declared_device("host", "cpu").slots == 8 * len(os.sched_getaffinity(0))


def test_a_core_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownDevice, match="the cores are"):
        declared_device("host", "cpu:4095").pin()
