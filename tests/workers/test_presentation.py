"""How long a picture lasts, told from those fed so far."""

from __future__ import annotations

from streaming.media import AccessUnit
from workers.presentation import RECENT_GAPS, Presentation


def fed(*pictures: tuple[int, int], end: int, keys: tuple[int, ...] = (0,)) -> Presentation:
    """`(dts, pts)` in frames."""
    presentation = Presentation()
    presentation.feed([AccessUnit(dts * 10, pts * 10, b"", pts in keys) for dts, pts in pictures], end * 10)
    return presentation


def test_the_next_picture_is_the_successor() -> None:
    assert fed((0, 0), (1, 1), (2, 2), end=3).successor(10, 1) == 20


def test_after_the_last_one_fed_comes_the_end_of_what_was_fed() -> None:
    assert fed((0, 0), (1, 1), (2, 2), end=3).successor(20, 1) == 30


def test_a_picture_that_may_still_come_in_between_is_waited_for() -> None:
    begun = fed((0, 0), (1, 4), (2, 2), end=3)
    assert begun.successor(0, 1) is None
    begun.feed([AccessUnit(30, 10, b"", sync=False)], 40)
    assert begun.successor(0, 1) == 10
    assert begun.successor(20, 1) is None


def test_nothing_comes_in_between_before_a_key_picture() -> None:
    assert fed((0, 0), (1, 1), (2, 5), end=6, keys=(0, 5)).successor(10, 1) == 50


def test_a_picture_alone_lasts_as_long_as_its_chunk() -> None:
    assert fed((0, 0), end=1).successor(0, 1) == 10
    assert Presentation().successor(0, 1) is None


def test_every_second_picture() -> None:
    presentation = fed((0, 0), (1, 1), (2, 2), (3, 3), end=4)
    assert presentation.successor(0, 2) == 20
    assert presentation.successor(20, 2) == 40
    assert presentation.successor(30, 2) is None


def test_counting_begins_anew_at_a_key_picture() -> None:
    assert fed((0, 0), (1, 1), (2, 2), (3, 3), end=4, keys=(0, 3)).successor(20, 2) == 30


def test_one_jump_of_the_clock_does_not_count_for_ever() -> None:
    presentation = Presentation()
    presentation.feed([AccessUnit(0, 0, b"", sync=True), AccessUnit(1, 1, b"", sync=False)], 2)
    times = range(10, 10 * RECENT_GAPS + 30, 10)
    presentation.feed([AccessUnit(at, at, b"", sync=False) for at in times], times[-1] + 10)
    assert presentation.successor(times[-3], 1) == times[-2]


def test_what_is_forgotten_is_gone() -> None:
    presentation = fed((0, 0), (1, 1), (2, 2), end=3)
    presentation.forget(20)
    assert presentation.successor(0, 1) is None
    assert presentation.successor(20, 1) == 30
