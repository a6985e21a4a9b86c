from __future__ import annotations

from streaming.playback.limits import Allowance


def test_an_allowance_is_used_up_and_comes_back() -> None:
    allowance = Allowance(times=2, seconds=10)
    assert [allowance.take("a", at) for at in (0, 1, 2, 9.9, 10, 11, 12)] == [
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]


def test_names_are_apart_and_bounded() -> None:
    allowance = Allowance(times=1, seconds=10, names=2)
    assert all(allowance.take(name, 0) for name in ("a", "b", "c"))
    assert not allowance.take("c", 1)
    assert allowance.take("a", 1)
