"""Waits between restarts."""

from deploy.local.backoff import Backoff


def test_doubles_up_to_its_bound() -> None:
    backoff = Backoff(first=0.5, most=4.0)
    assert [backoff.after(0.1) for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_starts_over_after_a_healthy_run() -> None:
    backoff = Backoff(first=0.5, most=4.0, healthy=20.0)
    assert [backoff.after(ran) for ran in (0.0, 0.0, 20.0, 0.0)] == [0.5, 1.0, 0.5, 1.0]
