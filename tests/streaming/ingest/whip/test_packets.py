from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.ingest.whip.packets import ASK_AFTER, ASK_AGAIN, MAX_WAITING, PATIENCE, SETTLE, PacketQueue

START = SETTLE


def begun(first: int = 100) -> PacketQueue[int]:
    """A queue that has read its first packet."""
    queue: PacketQueue[int] = PacketQueue()
    queue.add(first, first, 0.0)
    assert list(queue.take(START)) == [first]
    return queue


def test_order_is_restored() -> None:
    queue = begun()
    for number in (102, 101, 103):
        queue.add(number, number, START)
    assert list(queue.take(START)) == [101, 102, 103]


def test_the_first_packets_may_overtake_each_other_too() -> None:
    queue: PacketQueue[int] = PacketQueue()
    for number in (102, 100, 103):
        queue.add(number, number, 0.0)
    assert list(queue.take(SETTLE / 2)) == []
    assert queue.ask(ASK_AFTER) == [101]
    queue.add(101, 101, SETTLE / 2)
    assert list(queue.take(SETTLE)) == [100, 101, 102, 103]


def test_a_hole_is_asked_for_again_and_again_then_given_up() -> None:
    queue = begun()
    queue.add(103, 103, START)
    assert queue.ask(START + ASK_AFTER / 2) == []
    assert queue.ask(START + ASK_AFTER) == [101, 102]
    assert queue.ask(START + ASK_AFTER + ASK_AGAIN / 2) == []
    queue.add(102, 102, START + ASK_AFTER)
    assert queue.ask(START + ASK_AFTER + ASK_AGAIN) == [101]
    assert list(queue.take(START + PATIENCE / 2)) == []
    assert list(queue.take(START + PATIENCE + 0.01)) == [None, 102, 103]
    assert (queue.lost, queue.has_holes) == (1, False)


def test_the_next_packet_passes_where_nothing_waits() -> None:
    queue: PacketQueue[int] = PacketQueue()
    assert not queue.passes(0xFFFE)
    queue.add(0xFFFE, 0, 0.0)
    assert not queue.passes(0xFFFF)
    list(queue.take(START))
    assert [queue.passes(number) for number in (0xFFFF, 0, 0, 2)] == [True, True, False, False]
    queue.add(2, 2, START)
    assert not queue.passes(1)  # or it would be read after what waits behind it
    queue.add(1, 1, START)
    assert list(queue.take(START)) == [1, 2]
    assert queue.passes(3)


def test_what_comes_twice_or_too_late_is_left_out() -> None:
    queue = begun()
    queue.add(100, -1, START)
    queue.add(99, -1, START)
    queue.add(101, 101, START)
    assert list(queue.take(START)) == [101]


def test_numbers_wrap_at_16_bits() -> None:
    queue = begun(0xFFFE)
    for number in (0, 0xFFFF, 1):
        queue.add(number, number, START)
    assert list(queue.take(START)) == [0xFFFF, 0, 1]
    queue.add(3, 3, START)
    assert queue.ask(START + ASK_AFTER) == [2]


def test_a_leap_begins_anew_behind_a_hole() -> None:
    queue = begun()
    queue.add(100 + MAX_WAITING + 2, 7, START)
    assert list(queue.take(START)) == [None, 7]


def test_what_waits_is_bounded() -> None:
    queue = begun()
    for number in range(102, 102 + MAX_WAITING + 1):
        queue.add(number, number, START)
    taken = list(queue.take(START))
    assert taken[:2] == [None, 102]


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 1)), max_size=60), st.integers(0, 0xFFFF))
def test_whatever_comes_order_holds_and_holes_are_told(arrivals: list[tuple[int, float]], first: int) -> None:
    queue: PacketQueue[int] = PacketQueue()
    taken: list[int | None] = []
    now = 0.0
    for number, pause in [(first, 0.0), *arrivals]:
        now += pause
        if queue.passes(number):
            taken.append(number)
        else:
            queue.add(number, number, now)
            taken += list(queue.take(now))
    for before, after in itertools.pairwise(taken):
        assert before is None or after is None or after == (before + 1) % 0x10000


@pytest.mark.parametrize("patience", [0.1, 0.2])
def test_patience_is_the_stream_s_own(patience: float) -> None:
    queue: PacketQueue[int] = PacketQueue(patience=patience)
    queue.add(1, 1, 0.0)
    queue.add(3, 3, 0.0)
    assert list(queue.take(SETTLE)) == [1]
    assert list(queue.take(patience + 0.01)) == [None, 3]
