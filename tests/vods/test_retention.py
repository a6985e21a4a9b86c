"""What goes, and when: never without a warning a week before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from vods.retention import Held, Verdict, decide

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = 7 * DAY


def held(name: str, *, age: int, **more: Any) -> Held:
    facts: dict[str, Any] = {"size": 10, "kept": False, "expires_at": None, "warned_at": None}
    return Held(name, NOW - age * DAY, **facts | more)


def decided(*vods: Held, days: int | None = None, quota: int | None = None) -> list[tuple[object, Verdict, datetime]]:
    return decide(vods, retention=None if days is None else days * DAY, quota=quota, now=NOW)


def test_without_bounds_everything_stays() -> None:
    assert decided(held("old", age=5_000)) == []


def test_what_is_about_to_be_too_old_is_warned_of() -> None:
    assert decided(held("new", age=22), held("due", age=23), held("late", age=90), days=30) == [
        ("late", Verdict.WARN, NOW + WEEK),
        ("due", Verdict.WARN, NOW + WEEK),
    ]


def test_it_goes_when_it_was_warned_of_and_its_time_has_come() -> None:
    warned = {"warned_at": NOW - WEEK, "expires_at": NOW}
    assert decided(held("a", age=30, **warned), days=30) == [("a", Verdict.GO, NOW)]
    early = {"warned_at": NOW - 6 * DAY, "expires_at": NOW + DAY}
    assert decided(held("a", age=30, **early), days=30) == []


def test_who_keeps_videos_for_longer_after_the_warning_has_them_for_so_long() -> None:
    warned = {"warned_at": NOW - WEEK, "expires_at": NOW}
    assert decided(held("a", age=30, **warned), days=33) == [("a", Verdict.WARN, NOW + 3 * DAY)]
    told_again = {"warned_at": NOW - DAY, "expires_at": NOW + 2 * DAY}
    assert decided(held("a", age=31, **told_again), days=33) == []


def test_the_oldest_go_beyond_the_quota_and_no_more_than_need_to() -> None:
    vods = [held("a", age=3), held("b", age=2), held("c", age=1)]
    assert decided(*vods, quota=30) == []
    assert decided(*vods, quota=29) == [("a", Verdict.WARN, NOW + WEEK)]
    assert [name for name, _, _ in decided(*vods, quota=10)] == ["a", "b"]


def test_what_goes_for_its_age_makes_room() -> None:
    assert [name for name, _, _ in decided(held("a", age=40), held("b", age=1), days=30, quota=10)] == ["a"]


def test_what_is_kept_stays_and_the_next_goes_in_its_place() -> None:
    vods = [held("a", age=90, kept=True), held("b", age=2), held("c", age=1)]
    assert [name for name, _, _ in decided(*vods, days=30, quota=20)] == ["b"]


def test_whoever_changes_his_mind_in_time_keeps_it() -> None:
    warned = {"warned_at": NOW - DAY, "expires_at": NOW + 6 * DAY}
    assert decided(held("a", age=30, **warned)) == [("a", Verdict.STAY, NOW)]
    assert decided(held("a", age=30, kept=True, **warned), days=30) == [("a", Verdict.STAY, NOW)]
