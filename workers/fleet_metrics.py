"""The fleet for Prometheus, read from the bus when a dispatcher is scraped. Several dispatchers tell the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey
from workers.fleet import FleetState, survey

_FAMILIES = {
    "headrace_device_slots": "Segment tasks that a device takes at a time; 0 while it drains or does not encode.",
    "headrace_device_slots_leased": "Segment tasks at work on a device.",
    "headrace_device_tasks_waiting": "Segment tasks that nobody has claimed yet.",
    "headrace_device_oldest_task_seconds": "How long the oldest of them has waited.",
    "headrace_device_capacity_pixels": "Pixels a second that a device encodes, as measured.",
    "headrace_device_taken_pixels": "Pixels a second that what is at work there costs.",
}


class Fleet(Collector):
    """Reads at each scrape; tells nothing while the bus is away, which `headrace_valkey_up` says."""

    def __init__(self, bus: Valkey) -> None:
        self._bus = bus

    def describe(self) -> list[Any]:
        """Nothing: registering must not read."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families of one scrape."""
        try:
            yield from _families(survey(self._bus))
        except BusError:
            return


def _families(state: FleetState) -> Iterator[GaugeMetricFamily]:
    families = {name: GaugeMetricFamily(name, text, labels=["device"]) for name, text in _FAMILIES.items()}
    for device in state.devices:
        lease = device.lease
        values = (
            lease.slots if lease is not None else 0,
            device.leased,
            device.waiting,
            device.oldest_ms / 1000,
            lease.capacity if lease is not None else 0,
            device.taken,
        )
        for family, value in zip(families.values(), values, strict=True):
            family.add_metric([device.name], value)
    yield from families.values()
    short = GaugeMetricFamily("headrace_devices_short", "Whether what is watched goes without a device.")
    short.add_metric([], float(state.short))
    yield short
