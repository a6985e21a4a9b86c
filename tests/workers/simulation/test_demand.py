"""A broadcast's ladder in the course of its audience."""

from __future__ import annotations

import random

import pytest

from streaming.ladder import ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, BroadcastState, Description, Rendition
from workers.cost import encoding
from workers.ladder import FEW, IDLE_MS, MANY, Asked, Audience, Policy, rungs_of, wanted_now
from workers.simulation.demand import Course, Ladder, Visit

HOUR = 3_600_000
SHAPE = Rendition(SOURCE, "avc1.64002A", 0, VIDEO_TIMESCALE, 1280, 720, 30_000)
DESCRIPTION = Description("", BroadcastState.LIVE, 2, 400, (SHAPE, *(rung.rendition for rung in ladder(SHAPE))))
COSTS = {each.name: encoding(each) for each in rungs_of(DESCRIPTION)}


def course(*visits: Visit, policy: Policy = Policy.DEMAND, description: Description = DESCRIPTION) -> Ladder:
    made = Course(description, 0, HOUR, Policy)
    made.play(visits)
    return made.ladders[policy]


def changes(made: Ladder) -> list[tuple[int, set[str]]]:
    return [(change.at_ms, set(change.wanted)) for change in made.changes]


def test_a_rendition_runs_while_somebody_plays_it_and_a_while_longer() -> None:
    made = course((10_000, 20_000, "480p"), (15_000, 30_000, SOURCE))
    assert changes(made) == [(10_000, {"480p"}), (20_000 + IDLE_MS, set())]
    assert made.pixels == COSTS["480p"] * (10 + IDLE_MS // 1000)


def test_who_returns_in_time_finds_it_running() -> None:
    made = course((0, 10_000, "480p"), (10_000 + IDLE_MS - 1, 60_000, "480p"))
    assert changes(made) == [(0, {"480p"}), (60_000 + IDLE_MS, set())]


def test_it_runs_at_most_to_the_end() -> None:
    assert course((HOUR - 1_000, HOUR, "160p")).pixels == COSTS["160p"]
    assert Course(DESCRIPTION, 0, HOUR, Policy).full_pixels == sum(COSTS.values()) * 3_600


def test_tiers_follow_the_number_of_viewers() -> None:
    visits = [(1_000 * number, 600_000 + 1_000 * number, SOURCE) for number in range(1, MANY + 1)]
    made = course(*visits, policy=Policy.TIERED)
    few_again = 600_000 + 1_000 * (MANY - FEW + 1)
    assert changes(made) == [(0, {"480p"}), (MANY * 1_000, set(COSTS)), (few_again, {"480p"})]


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_the_policy_says_at_every_moment(policy: Policy, seed: int) -> None:
    dice = random.Random(seed)
    names = [SOURCE, *COSTS]
    visits = []
    for _ in range(300):
        comes = dice.randrange(HOUR - 1)
        visits.append((comes, min(HOUR, comes + 1 + dice.randrange(HOUR // 2)), dice.choice(names)))
    made = course(*visits, policy=policy)
    running: frozenset[str] = frozenset()
    for now in range(0, HOUR, 997):
        counts = {name: sum(comes <= now < goes for comes, goes, played in visits if played == name) for name in names}
        left = {name: [goes for _, goes, played in visits if played == name and goes <= now] for name in names}
        wanted = {name: now if counts[name] else max(left[name], default=-HOUR) for name in names}
        asked = Asked(wanted, now, Audience(sum(counts.values()), counts), running)
        running = wanted_now(DESCRIPTION, asked, policy)
        assert next((each.wanted for each in reversed(made.changes) if each.at_ms <= now), frozenset()) == running
