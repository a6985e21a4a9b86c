from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.ingest.whip.reception import Reception

RATE = 90_000
TICK = RATE // 30


def test_losses_are_counted_in_all_and_since_the_last_report() -> None:
    reception = Reception(RATE)
    for number in (0, 1, 3, 4):
        reception.arrived(number, number * TICK, number / 30)
    assert (reception.highest, reception.lost, reception.fraction_lost()) == (4, 1, 256 // 5)
    for number in (5, 6, 7):
        reception.arrived(number, number * TICK, number / 30)
    assert (reception.lost, reception.fraction_lost()) == (1, 0)
    reception.arrived(2, 2 * TICK, 1.0)  # it came after all
    assert (reception.highest, reception.lost) == (7, 0)


def test_numbers_wrap_and_the_count_goes_on() -> None:
    reception = Reception(RATE)
    for step in range(4):
        reception.arrived((0xFFFE + step) % 0x10000, step, 0.0)
    assert (reception.highest, reception.lost) == (0x10001, 0)


def test_an_even_stream_has_no_jitter_and_an_uneven_one_has_its_own() -> None:
    reception = Reception(RATE)
    for number in range(200):
        reception.arrived(number, number * TICK % 2**32, number / 30)
    assert reception.jitter <= 1
    for number in range(200, 400):
        reception.arrived(number, number * TICK, (number + number % 2 / 4) / 30)
    # each packet comes a quarter of a picture earlier or later than the one before
    assert reception.jitter == pytest.approx(TICK / 4, rel=0.05)


def test_packets_of_one_picture_are_not_taken_for_jitter() -> None:
    reception = Reception(RATE)
    for number in range(300):
        reception.arrived(number, number // 10 * TICK, (number // 10 + number % 10 / 20) / 30)
    assert reception.jitter <= 1


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.floats(0, 1e6)), max_size=50))
def test_whatever_comes_a_report_can_be_written(packets: list[tuple[int, int, float]]) -> None:
    reception = Reception(RATE)
    for packet in packets:
        reception.arrived(*packet)
    assert 0 <= reception.fraction_lost() <= 255
    assert 0 <= reception.highest <= 0xFFFFFFFF
    assert 0 <= reception.jitter <= 0xFFFFFFFF
    assert -0x800000 <= reception.lost <= 0x7FFFFF
