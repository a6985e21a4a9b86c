"""What an operator asks of broadcasts, read from both Valkeys when Prometheus scrapes a dispatcher.

Several dispatchers tell the same: queries take the `max by (broadcast)`. Where a Valkey is away, what it would tell is
missing, and `headrace_valkey_up` (`valkey_metrics.py`) says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streaming.bus import reading, viewers
from streaming.bus.errors import BusError
from streaming.bus.layout import Call
from streaming.bus.redis import Valkey
from streaming.media import BroadcastState

STALLED_MS = 5_000
"""A live broadcast whose newest source part is older than this is stalled: encoders that go silent are let go later."""
MOST = 1_000
"""Broadcasts that are told one by one: those whose leases are newest. The totals count all."""
STATES = ("live", "reconnecting", "stalled", "lost")


@dataclass(frozen=True, slots=True)
class Seen:
    """A broadcast at one moment. `state` is one of STATES: lost has an ingest that renews nothing any more."""

    broadcast: str
    state: str
    partner: bool
    source_age_s: float


class Broadcasts(Collector):
    """Reads at each scrape. `clock` answers Unix ms, by which viewers are counted."""

    def __init__(self, *, bus: Valkey, state: Valkey, now_ms: Callable[[], int]) -> None:
        self._bus = bus
        self._state = state
        self._now_ms = now_ms

    def describe(self) -> list[Any]:
        """Nothing: registering must not read."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families of one scrape."""
        try:
            seen = self._see()
        except BusError:
            return
        yield from _families(seen)
        yield from self._audience(seen[:MOST])

    def _see(self) -> list[Seen]:
        leases, now_ms = self._bus.run_all([reading.leases(), reading.now_ms()])
        names = sorted(leases, key=leases.__getitem__, reverse=True)
        calls: list[Call[Any]] = [reading.description(name) for name in names]
        calls += [reading.progress(name) for name in names]
        replies = self._bus.run_all(calls)
        found = []
        for name, description, progress in zip(names, replies, replies[len(names) :], strict=False):
            if description is None or description.state is BroadcastState.ENDED:
                continue
            age_ms = now_ms - max((one.at_ms for one in progress.values()), default=now_ms)
            state = description.state.value
            if leases[name] < now_ms:
                state = "lost"
            elif description.state is BroadcastState.LIVE and age_ms > STALLED_MS:
                state = "stalled"
            found.append(Seen(name, state, description.partner, age_ms / 1_000))
        return found

    def _audience(self, seen: list[Seen]) -> Iterator[GaugeMetricFamily]:
        watching = GaugeMetricFamily("headrace_broadcast_viewers", "Distinct viewers.", labels=["broadcast"])
        latency = GaugeMetricFamily(
            "headrace_broadcast_latency_seconds",
            "How far behind live viewers play, on average.",
            labels=["broadcast"],
        )
        stalls = GaugeMetricFamily(
            "headrace_broadcast_stalls", "Stalls that its viewers told of in the last 14 s.", labels=["broadcast"]
        )
        names, now_ms = [one.broadcast for one in seen], self._now_ms()
        calls: list[Call[Any]] = viewers.counts(names, now_ms=now_ms)
        calls += [viewers.quality(name, now_ms=now_ms) for name in names]
        try:
            replies = self._state.run_all(calls)
        except BusError:
            return
        for name, count, quality in zip(names, replies, replies[len(names) :], strict=False):
            watching.add_metric([name], count)
            stalls.add_metric([name], quality.stalls)
            if quality.latency_ms is not None:
                latency.add_metric([name], quality.latency_ms / 1_000)
        yield from (watching, latency, stalls)


def _families(seen: list[Seen]) -> Iterator[GaugeMetricFamily]:
    totals = GaugeMetricFamily("headrace_broadcasts", "Broadcasts that have not ended.", labels=["state"])
    for state in STATES:
        totals.add_metric([state], sum(one.state == state for one in seen))
    up = GaugeMetricFamily(
        "headrace_broadcast_up", "1 live, 0 stalled or lost; its encoder away is neither.", labels=["broadcast"]
    )
    partner = GaugeMetricFamily("headrace_broadcast_partner", "Whether its channel is a partner.", labels=["broadcast"])
    age = GaugeMetricFamily("headrace_broadcast_source_age_seconds", "Since its newest chunk.", labels=["broadcast"])
    for one in seen[:MOST]:
        partner.add_metric([one.broadcast], float(one.partner))
        age.add_metric([one.broadcast], one.source_age_s)
        if one.state != "reconnecting":
            up.add_metric([one.broadcast], float(one.state == "live"))
    yield from (totals, up, partner, age)
