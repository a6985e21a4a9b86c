"""Device leases."""

from __future__ import annotations

from streaming.bus import devices, reading
from streaming.bus.devices import Device, DeviceKind
from streaming.bus.redis import Valkey

ONE = Device(name="host.cpu:0", host="host", instance="i1", slots=4, kind=DeviceKind.CPU, capacity=80_000_000)
OTHER = Device(name="host.cpu:0", host="host", instance="i2", slots=4, kind=DeviceKind.CPU, capacity=80_000_000)


def test_a_renewed_device_is_alive(thread_bus: Valkey) -> None:
    before = thread_bus.run(reading.now_ms())
    thread_bus.run(devices.renew(ONE))
    found = thread_bus.run(devices.alive())
    assert found == {ONE.name: ONE}
    assert 0 <= found[ONE.name].silent_ms <= thread_bus.run(reading.now_ms()) - before


def test_an_expired_lease_is_gone(thread_bus: Valkey) -> None:
    thread_bus.run(devices.renew(ONE, lease_ms=0))
    assert thread_bus.run(devices.alive()) == {}


def test_only_the_holder_drops_a_device(thread_bus: Valkey) -> None:
    thread_bus.run(devices.renew(ONE))
    thread_bus.run(devices.renew(OTHER))
    assert not thread_bus.run(devices.drop(ONE))
    assert thread_bus.run(devices.drop(OTHER))
    assert thread_bus.run(devices.alive()) == {}
