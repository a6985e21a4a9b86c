"""Which tier a VOD belongs in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vods.models import Tier
from vods.tiers import HALF_LIFE, Limits, heat_now, idle_since, wanted_tier

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LIMITS = Limits(warm=30 * DAY, cold=90 * DAY, end=365 * DAY, hot_views=10)


def wanted(tier: Tier, *, idle: int, heat: float = 0.0, archives: bool = True) -> Tier:
    return wanted_tier(tier, idle=idle * DAY, heat=heat, limits=LIMITS, archives=archives)


@pytest.mark.parametrize(
    ("idle", "tier"),
    [
        (0, Tier.HOT),
        (29, Tier.HOT),
        (30, Tier.WARM),
        (89, Tier.WARM),
        (90, Tier.COLD),
        (364, Tier.COLD),
        (365, Tier.ARCHIVE),
        (4_000, Tier.ARCHIVE),
    ],
)
def test_what_nobody_watches_goes_down(idle: int, tier: Tier) -> None:
    assert wanted(Tier.HOT, idle=idle) == tier


def test_one_viewer_keeps_it_where_it_is_and_many_bring_it_up() -> None:
    assert wanted(Tier.WARM, idle=0, heat=1) == Tier.WARM
    assert wanted(Tier.COLD, idle=0, heat=9.9) == Tier.COLD
    for tier in Tier:
        assert wanted(tier, idle=0, heat=10) == Tier.HOT


def test_what_is_to_be_deleted_at_its_end_is_not_archived() -> None:
    assert wanted(Tier.COLD, idle=400, archives=False) == Tier.COLD


def test_a_viewer_counts_for_less_and_less() -> None:
    assert heat_now(8, NOW, now=NOW) == 8
    assert heat_now(8, NOW - HALF_LIFE, now=NOW) == 4
    assert heat_now(8, NOW - 3 * HALF_LIFE, now=NOW) == 1
    assert heat_now(0, None, now=NOW) == 0


def test_to_watch_it_or_to_have_it_brought_up_is_to_want_it() -> None:
    ready_at = NOW - 100 * DAY
    assert idle_since(ready_at=ready_at, watched_at=None, brought_up_at=None) == ready_at
    assert idle_since(ready_at=ready_at, watched_at=NOW - 5 * DAY, brought_up_at=NOW - 9 * DAY) == NOW - 5 * DAY
    assert idle_since(ready_at=ready_at, watched_at=NOW - 9 * DAY, brought_up_at=NOW - 5 * DAY) == NOW - 5 * DAY
