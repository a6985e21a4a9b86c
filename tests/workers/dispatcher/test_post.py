"""Letters to a broker that may be slow."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from workers.dispatcher.post import BATCH, CAPACITY, FRESH_SECONDS, Post


class Slow:
    """A broker that holds its first letters until it is told to go on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.holds = threading.Event()
        self.go_on = threading.Event()
        self.last = threading.Event()

    def send(self, letters: Sequence[int]) -> None:
        self.batches.append(list(letters))
        self.holds.set()
        assert self.go_on.wait(10)
        if -1 in letters:
            self.last.set()


def test_what_waits_is_sent_in_order_and_together() -> None:
    broker = Slow()
    post = Post(broker.send)
    post.start()
    post.put(0)
    assert broker.holds.wait(5)
    for number in range(1, BATCH + 2):
        post.put(number)
    post.put(-1)
    broker.go_on.set()
    assert broker.last.wait(5)
    post.close()
    post.join()
    assert broker.batches == [[0], list(range(1, BATCH + 1)), [BATCH + 1, -1]]


def test_a_slow_broker_blocks_nobody_and_fills_no_memory() -> None:
    broker = Slow()
    post = Post(broker.send)
    post.start()
    post.put(0)
    assert broker.holds.wait(5)
    for number in range(1, CAPACITY + 11):
        post.put(number)
    broker.go_on.set()
    post.put(-1)
    post.close()
    post.join()
    assert max(max(batch) for batch in broker.batches) <= CAPACITY


def test_what_waited_too_long_is_not_sent() -> None:
    now = [0.0]
    broker = Slow()
    broker.go_on.set()
    post = Post(broker.send, lambda: now[0])
    post.put(0)
    now[0] = FRESH_SECONDS + 0.1
    post.put(-1)
    post.start()
    assert broker.last.wait(5)
    post.close()
    post.join()
    assert broker.batches == [[-1]]
