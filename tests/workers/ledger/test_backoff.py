"""When to try again."""

from __future__ import annotations

from workers.ledger.backoff import retry_after, wake_after


def test_waits_grow_to_a_bound_and_are_spread() -> None:
    assert [retry_after(attempts, 0.5) for attempts in (1, 2, 3, 4)] == [1.0, 3.0, 9.0, 27.0]
    assert retry_after(50, 0.5) == 600.0
    assert retry_after(2, 0.0) == 1.5
    assert retry_after(2, 1.0) == 4.5


def test_messages_about_a_step_that_merely_waits_grow_rare() -> None:
    assert [wake_after(wakes) for wakes in (0, 1, 2, 3, 20)] == [5.0, 5.0, 10.0, 20.0, 320.0]
