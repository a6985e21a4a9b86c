"""Broadcasts without an ingest."""

from __future__ import annotations

from workers.dispatcher.orphans import Orphans

GRACE = 60_000


def test_a_broadcast_ends_a_grace_after_its_lease() -> None:
    orphans = Orphans(GRACE)
    assert orphans.sweep({"b"}, {"b": 1_000}, 60_999).in_database == []
    assert orphans.sweep({"b"}, {"b": 1_000}, 61_000).in_database == ["b"]


def test_a_broadcast_without_a_lease_counts_from_when_that_was_seen() -> None:
    orphans = Orphans(GRACE)
    assert orphans.sweep({"b"}, {}, 1_000).in_database == []
    assert orphans.sweep({"b"}, {}, 61_000).in_database == ["b"]


def test_a_lease_that_comes_back_ends_the_count() -> None:
    orphans = Orphans(GRACE)
    orphans.sweep({"b"}, {}, 1_000)
    orphans.sweep({"b"}, {"b": 40_000}, 35_000)
    assert orphans.sweep({"b"}, {}, 61_000).in_database == []


def test_a_lease_of_an_ended_broadcast_is_ended() -> None:
    assert Orphans(GRACE).sweep({"b"}, {"b": 9_000, "ended": 9_000}, 5_000).on_bus == ["ended"]
