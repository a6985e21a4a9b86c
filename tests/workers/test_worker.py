"""What a worker process holds, without Celery around it."""

from __future__ import annotations

from django.conf import settings

from streaming.bus import devices
from streaming.bus.redis import Valkey
from workers.devices import declared_device
from workers.worker import Worker


def worker(bus_url: str) -> Worker:
    device = declared_device(settings.HOST_NAME, "cpu")
    return Worker(device, bus_url=bus_url, ffmpeg=settings.FFMPEG, threads=4, capacity=1_000_000)


def test_it_offers_its_device_drains_and_gives_it_back(bus: Valkey, bus_url: str) -> None:
    made = worker(bus_url)
    made.start()
    made.drain()
    assert [found.slots for found in bus.run(devices.alive()).values()] == [0]
    made.stop()
    assert bus.run(devices.alive()) == {}


def test_one_that_is_told_to_stop_before_it_began_leaves_nothing(bus: Valkey, bus_url: str) -> None:
    made = worker(bus_url)
    made.drain()
    made.stop()
    assert bus.run(devices.alive()) == {}
