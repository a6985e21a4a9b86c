"""A synthetic day: who broadcasts when and in which shape, who watches what, and which devices fail."""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from streaming.ladder import ladder
from streaming.media import AUDIO, SOURCE, VIDEO_TIMESCALE, BroadcastState, Description, Rendition

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

PEAK_HOUR = 20
SWING = 0.6
"""How far the day's busiest hour lies above its mean, and the quietest below it."""
SHAPES = ((1920, 1080, 60_000, 0.45), (1280, 720, 30_000, 0.2), (1920, 1080, 30_000, 0.2), (1280, 720, 60_000, 0.15))
"""Width, height and frame rate of sources, and their share."""
LASTS_MINUTES, LASTS_SIGMA = 90.0, 0.8
"""Median and spread (log-normal) of a broadcast's length."""
LONGEST_MINUTES = 720.0
STAYS_MINUTES = 20.0
"""The mean of how long a viewer stays (exponential)."""
ZIPF = 1.0
"""The audience of the k-th most popular broadcast is that of the first through k ** ZIPF."""
PARTNERS = 0.02
"""The most popular broadcasts, a share of all, are partners'."""
SPIKE_CHANCE, SPIKE_SHARE, SPIKE_MINUTES = 0.02, 0.4, 2.0
"""A raid: how likely a broadcast has one, which share of its audience that is, and within how long they come."""
CHOICES = ((SOURCE, 0.5), ("720p60", 0.15), ("720p30", 0.1), ("480p", 0.15), ("360p", 0.07), ("160p", 0.03))
"""What viewers come to play; where a ladder has no such rung they take the next smaller one, else the source."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """How much of everything. `failures` and `stalls` are per device and day.

    A device that fails is gone; one that stalls hangs for a moment, while its worker lives.
    """

    broadcasts: int = 100_000
    viewers: int = 10_000_000
    failures: float = 0.2
    stalls: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Show:
    """One broadcast of the day: when it is on (ms), what its ladder is, and how many will have watched it."""

    name: str
    start_ms: int
    end_ms: int
    description: Description
    viewers: int


def shows(scenario: Scenario) -> Iterator[Show]:
    """The day's broadcasts, by their start."""
    dice = random.Random(scenario.seed)
    descriptions = [_description(*shape[:3]) for shape in SHAPES]
    shares = list(accumulate(shape[3] for shape in SHAPES))
    audiences = _zipf(scenario.broadcasts, scenario.viewers)
    partners = math.ceil(scenario.broadcasts * PARTNERS)
    ranks = list(range(scenario.broadcasts))
    dice.shuffle(ranks)
    starts = sorted(_moment(dice) for _ in ranks)
    for number, (rank, start) in enumerate(zip(ranks, starts, strict=True)):
        minutes = min(LONGEST_MINUTES, dice.lognormvariate(math.log(LASTS_MINUTES), LASTS_SIGMA))
        plain, partner = descriptions[bisect(shares, dice.random() * shares[-1])]
        end = start + max(MINUTE_MS, int(minutes * MINUTE_MS))
        yield Show(f"b{number}", start, end, partner if rank < partners else plain, audiences[rank])


def visits(show: Show, seed: int) -> list[tuple[int, int, str]]:
    """A broadcast's viewers: when each comes and goes (ms), and which rendition he plays."""
    dice = random.Random(f"{seed}:{show.name}")
    plays = _plays(show.description)
    bounds = list(accumulate(share for _, share in CHOICES))
    length = show.end_ms - show.start_ms
    spike_at = show.start_ms + int(dice.random() * length) if dice.random() < SPIKE_CHANCE else None
    found = []
    draw, stay = dice.random, 1 / (STAYS_MINUTES * MINUTE_MS)
    for _ in range(show.viewers):
        if spike_at is not None and draw() < SPIKE_SHARE:
            comes = spike_at + int(draw() * SPIKE_MINUTES * MINUTE_MS)
        else:
            comes = show.start_ms + int(draw() * length)
        goes = min(show.end_ms, comes + 1 + int(dice.expovariate(stay)))
        if comes < goes:
            found.append((comes, goes, plays[bisect(bounds, draw() * bounds[-1])]))
    return found


def incidents(dice: random.Random, per_day: float, devices: int, from_ms: int, to_ms: int) -> Iterator[int]:
    """When one of so many devices has an incident, each of them so many a day."""
    at = float(from_ms)
    while per_day * devices > 0:
        at += dice.expovariate(per_day * devices / DAY_MS)
        if at >= to_ms:
            return
        yield int(at)


def _zipf(broadcasts: int, viewers: int) -> list[int]:
    """How many watch each, from the most popular down; they are `viewers` together."""
    weights = [1 / rank**ZIPF for rank in range(1, broadcasts + 1)]
    total, given, audiences, reached = sum(weights), 0, [], 0.0
    for weight in weights:
        # What was rounded off goes to those behind, so that the sum is right and the tail is not all zero.
        reached += weight / total * viewers
        audiences.append(round(reached) - given)
        given += audiences[-1]
    return audiences


def _moment(dice: random.Random) -> int:
    """A moment of the day, more likely near its busiest hour."""
    while True:
        at = dice.random() * DAY_MS
        phase = math.cos((at / HOUR_MS - PEAK_HOUR) * math.tau / 24)
        if dice.random() * (1 + SWING) < 1 + SWING * phase:
            return int(at)


def _description(width: int, height: int, rate: int) -> tuple[Description, Description]:
    """A source of this shape and its ladder, of somebody and of a partner."""
    source = Rendition(SOURCE, "avc1.64002A", 6_000_000, VIDEO_TIMESCALE, width, height, rate)
    audio = Rendition(AUDIO, "mp4a.40.2", 128_000, 48_000)
    renditions = (source, *(rung.rendition for rung in ladder(source)), audio)
    plain, partner = (Description("", BroadcastState.LIVE, 2, 400, renditions, partner) for partner in (False, True))
    return plain, partner


def _plays(description: Description) -> list[str]:
    """What each of CHOICES comes to with this ladder."""
    there = [each.name for each in description.renditions if each.name != AUDIO]
    order = [name for name, _ in CHOICES]
    return [next((name for name in order[at:] if name in there), SOURCE) for at in range(len(order))]
