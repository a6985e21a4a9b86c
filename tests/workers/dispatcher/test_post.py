"""Messages to a broker that may be slow."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from workers.dispatcher.post import CAPACITY, FRESH_SECONDS, Post


@pytest.fixture
def mail() -> Iterator[Post]:
    mail = Post()
    mail.start()
    yield mail
    mail.close()
    mail.join()


def test_messages_are_sent_in_order(mail: Post) -> None:
    sent: list[int] = []
    last = threading.Event()
    for number in range(10):
        mail.put(lambda number=number: sent.append(number))  # type: ignore[misc]
    mail.put(last.set)
    assert last.wait(5)
    assert sent == list(range(10))


def test_a_slow_broker_blocks_nobody_and_fills_no_memory(mail: Post) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow() -> None:
        entered.set()
        release.wait(10)

    mail.put(slow)
    assert entered.wait(5)
    for _ in range(CAPACITY + 10):
        mail.put(lambda: None)
    release.set()


def test_what_waited_too_long_is_not_sent() -> None:
    now = [0.0]
    mail = Post(lambda: now[0])
    sent: list[str] = []
    last = threading.Event()
    mail.put(lambda: sent.append("stale"))
    now[0] = FRESH_SECONDS + 0.1
    mail.put(last.set)
    mail.start()
    assert last.wait(5)
    mail.close()
    mail.join()
    assert sent == []
