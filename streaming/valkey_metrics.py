"""What an operator asks of the Valkeys, asked of each when Prometheus scrapes a dispatcher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streaming.bus import reading
from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey


class Valkeys(Collector):
    """Asks each by its name at each scrape. Of one that does not answer nothing is told but that."""

    def __init__(self, named: Mapping[str, Valkey]) -> None:
        self._named = named

    def describe(self) -> list[Any]:
        """Nothing: registering must not read."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families of one scrape."""
        up = GaugeMetricFamily("headrace_valkey_up", "Whether a Valkey answers.", labels=["valkey"])
        memory = GaugeMetricFamily(
            "headrace_valkey_memory_ratio", "The share of its bound that a Valkey uses.", labels=["valkey"]
        )
        for name, valkey in self._named.items():
            try:
                share = valkey.run(reading.fullness())
            except BusError:
                up.add_metric([name], 0)
            else:
                up.add_metric([name], 1)
                memory.add_metric([name], share)
        yield up
        yield memory
