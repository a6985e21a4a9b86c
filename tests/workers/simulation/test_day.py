"""The synthetic day."""

from __future__ import annotations

import random
from itertools import pairwise

from streaming.media import AUDIO
from workers.simulation.day import DAY_MS, HOUR_MS, PARTNERS, Scenario, incidents, shows, visits

SCENARIO = Scenario(broadcasts=500, viewers=20_000)


def test_the_audience_is_shared_out_by_popularity_and_all_of_it() -> None:
    audiences = sorted((show.viewers for show in shows(SCENARIO)), reverse=True)
    assert sum(audiences) == SCENARIO.viewers
    assert abs(audiences[0] / audiences[9] - 10) < 0.1
    partners = [show.viewers for show in shows(SCENARIO) if show.description.partner]
    assert sorted(partners, reverse=True) == audiences[: round(SCENARIO.broadcasts * PARTNERS)]


def test_broadcasts_come_in_order_and_most_in_the_evening() -> None:
    starts = [show.start_ms for show in shows(SCENARIO)]
    assert all(before <= after for before, after in pairwise(starts))
    assert starts[0] >= 0
    assert starts[-1] < DAY_MS
    evening = sum(18 * HOUR_MS <= at < 22 * HOUR_MS for at in starts)
    morning = sum(6 * HOUR_MS <= at < 10 * HOUR_MS for at in starts)
    assert evening > 2 * morning


def test_viewers_come_while_their_broadcast_is_on_and_play_what_it_has() -> None:
    for show in list(shows(SCENARIO))[:100]:
        there = {each.name for each in show.description.renditions} - {AUDIO}
        found = visits(show, seed=1)
        assert len(found) >= 0.99 * show.viewers - 5
        assert all(show.start_ms <= comes < goes <= show.end_ms for comes, goes, _ in found)
        assert {name for _, _, name in found} <= there


def test_the_same_seed_is_the_same_day() -> None:
    assert list(shows(SCENARIO)) == list(shows(SCENARIO))
    show = next(shows(SCENARIO))
    assert visits(show, seed=1) == visits(show, seed=1) != visits(show, seed=2)


def test_incidents_come_as_often_as_is_said() -> None:
    found = list(incidents(random.Random(1), 2.0, 50, 0, 10 * DAY_MS))
    assert 850 < len(found) < 1150
    assert found == sorted(found)
    assert list(incidents(random.Random(1), 0.0, 50, 0, DAY_MS)) == []
