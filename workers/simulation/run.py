"""The discrete-event simulation of a day: broadcasts start, change and end, devices fail and stall."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from workers.allotment import Claim
from workers.cost import cost
from workers.dispatcher.budget import HedgeBudget
from workers.ladder import UNWATCHED, Audience, Policy, rungs_of
from workers.placement import KEEP
from workers.simulation.day import Scenario, Show, incidents, shows, visits
from workers.simulation.demand import Change, Course
from workers.simulation.fleet import Fleet

SEGMENT_MS = 2_000
SAMPLE_MS = 300_000


@dataclass(slots=True)
class Sample:
    """One moment of the day. Costs are in pixels a second: of what ran, and of the whole ladders."""

    at_ms: int
    broadcasts: int
    devices: int
    ran: int
    full: int


@dataclass(slots=True)
class Outcome:
    """What the day came to. Pixels are those encoded under each policy, and by whole ladders.

    `changes` are those of what is wanted, `short` of them found too little room. `moved` broadcasts were taken over
    from devices that failed, `gaps` renditions could not be. `hedges` kept attempts on stalled devices in time, `late`
    renditions had none. `place_us` are the times that choosing took, a sample of them.
    """

    broadcasts: int = 0
    viewers: int = 0
    peak_broadcasts: int = 0
    peak_devices: int = 0
    full_pixels: int = 0
    pixels: dict[Policy, int] = field(default_factory=dict)
    changes: int = 0
    failures: int = 0
    stalls: int = 0
    moved: int = 0
    gaps: int = 0
    segments: int = 0
    hedges: int = 0
    late: int = 0
    short: int = 0
    place_us: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def saving(self, policy: Policy) -> float:
        """The share of the whole ladder that the policy did not encode."""
        return 1 - self.pixels[policy] / self.full_pixels if self.full_pixels else 0.0


@dataclass(slots=True)
class _Live:
    show: Show
    changes: Iterator[Change]
    wanted: Change
    run: frozenset[str] = frozenset()
    since_ms: int = 0
    full_rate: int = 0


class Simulation:
    """A day under one policy; the others' savings are reckoned beside it. `clock` times the choices, in seconds."""

    def __init__(
        self, scenario: Scenario, *, policy: Policy, capacity: int, gpus: int | None, clock: Callable[[], float]
    ) -> None:
        self._scenario = scenario
        self._policy = policy
        self._fleet = Fleet(capacity, gpus)
        self._clock = clock
        self._budget = HedgeBudget()
        self._dice = random.Random(scenario.seed + 1)
        self._live: dict[str, _Live] = {}
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._numbers = count()
        self._full_rate = 0
        self.outcome = Outcome(pixels=dict.fromkeys(Policy, 0))

    def run(self) -> Outcome:
        """Simulates the whole day."""
        coming = shows(self._scenario)
        self._at(0, self._sample)
        self._start_next(coming)
        while self._heap:
            at_ms, _, do = heapq.heappop(self._heap)
            do(at_ms)
        self.outcome.peak_devices = self._fleet.peak
        return self.outcome

    def _at(self, at_ms: int, do: Callable[[int], None]) -> None:
        heapq.heappush(self._heap, (at_ms, next(self._numbers), do))

    def _start_next(self, coming: Iterator[Show]) -> None:
        show = next(coming, None)
        if show is not None:
            self._at(show.start_ms, lambda now: self._begin(show, coming, now))

    def _begin(self, show: Show, coming: Iterator[Show], now: int) -> None:
        self._start(show, now)
        self._start_next(coming)

    def _start(self, show: Show, now: int) -> None:
        course = Course(show.description, show.start_ms, show.end_ms, Policy)
        people = visits(show, self._scenario.seed)
        course.play(people)
        outcome = self.outcome
        outcome.broadcasts += 1
        outcome.viewers += len(people)
        outcome.full_pixels += course.full_pixels
        for policy, ladder in course.ladders.items():
            outcome.pixels[policy] += ladder.pixels
        changes = iter(course.ladders[self._policy].changes)
        live = _Live(show, changes, Change(now, frozenset(), 0, {}), since_ms=now)
        live.full_rate = cost(show.description, [each.name for each in rungs_of(show.description)])
        self._full_rate += live.full_rate
        self._live[show.name] = live
        outcome.peak_broadcasts = max(outcome.peak_broadcasts, len(self._live))
        self._at(show.end_ms, lambda now: self._end(live, now))
        self._next_change(live)

    def _next_change(self, live: _Live) -> None:
        change = next(live.changes, None)
        if change is not None:
            self._at(change.at_ms, lambda now: self._change(live, change, now))

    def _change(self, live: _Live, change: Change, now: int) -> None:
        if live.show.name not in self._live:
            return
        live.wanted = change
        self.outcome.changes += 1
        self._place(live, now)
        self._next_change(live)

    def _end(self, live: _Live, now: int) -> None:
        self._account(live, now)
        self._full_rate -= live.full_rate
        del self._live[live.show.name]
        self._fleet.take(live.show.name)

    def _place(self, live: _Live, now: int) -> None:
        """Asks for what is wanted now, as the dispatcher does when it looks."""
        self._account(live, now)
        load = self._fleet.placement.load(live.show.name)
        claim = Claim(
            live.show.name,
            live.show.description,
            live.wanted.wanted,
            watched=frozenset(name for name, viewers in live.wanted.of.items() if viewers),
            running=live.run,
            sticky=load.device if load is not None else None,
            audience=Audience(live.wanted.viewers, live.wanted.of) if live.wanted.of else UNWATCHED,
        )
        began = self._clock()
        given = self._fleet.give(claim)
        self._timed((self._clock() - began) * 1e6)
        live.run = given.run
        self.outcome.short += given.run != claim.wanted
        if given.load is not None and given.load.partner:
            self._make_way(given.load.device, now)

    def _make_way(self, device: str, now: int) -> None:
        """Who shares a device that a partner made too full gives renditions up, or goes elsewhere."""
        placement = self._fleet.placement
        for name in self._fleet.broadcasts(device):
            load = placement.load(name)
            if load is not None and not load.partner and load.cost > placement.room(device, name, share=KEEP):
                self._place(self._live[name], now)

    def _account(self, live: _Live, now: int) -> None:
        """Counts the segments that were made until now; each is an attempt, of which hedges are a share."""
        segments = (now - live.since_ms) // SEGMENT_MS if live.run else 0
        live.since_ms = now
        self.outcome.segments += segments * len(live.run)
        self._budget.earn(segments)

    def _timed(self, us: float) -> None:
        times = self.outcome.place_us
        if len(times) < 100_000:
            times.append(us)
        else:
            times[self._dice.randrange(len(times))] = us

    def _failure(self, now: int) -> None:
        """A device is lost: its broadcasts move at once. What there is no room for any more becomes GAP."""
        device = self._somewhere()
        if device is None:
            return
        self.outcome.failures += 1
        for name in self._fleet.fail(device):
            live = self._live[name]
            before = live.run
            self._place(live, now)
            self.outcome.moved += bool(live.run)
            self.outcome.gaps += len(before - live.run)

    def _stall(self, _now: int) -> None:
        """A device hangs: what is hedged is made elsewhere in time; the rest is late, until its encoders are killed."""
        device = self._somewhere()
        if device is None:
            return
        self.outcome.stalls += 1
        placement = self._fleet.placement
        for name in self._fleet.broadcasts(device):
            live, load = self._live[name], placement.load(name)
            elsewhere = placement.choose(load.cost, name, avoid={device}) if load is not None else None
            if elsewhere is not None and self._budget.spend():
                self.outcome.hedges += 1
            else:
                self.outcome.late += len(live.run)

    def _somewhere(self) -> str | None:
        names = self._fleet.names
        return self._dice.choice(names) if names else None

    def _sample(self, now: int) -> None:
        placement = self._fleet.placement
        ran = sum(placement.taken(name) for name in placement.devices)
        self.outcome.samples.append(Sample(now, len(self._live), self._fleet.size, ran, self._full_rate))
        scenario = self._scenario
        for per_day, befall in ((scenario.failures, self._failure), (scenario.stalls, self._stall)):
            for at in incidents(self._dice, per_day, self._fleet.size, now, now + SAMPLE_MS):
                self._at(at, befall)
        if self._heap:
            self._at(now + SAMPLE_MS, self._sample)


def simulate(
    scenario: Scenario, *, policy: Policy, capacity: int, gpus: int | None, clock: Callable[[], float]
) -> Outcome:
    """A day of `scenario` on GPUs that encode `capacity` pixels a second: as many as it needs, or `gpus`."""
    return Simulation(scenario, policy=policy, capacity=capacity, gpus=gpus, clock=clock).run()
