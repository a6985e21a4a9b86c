from __future__ import annotations

from contextlib import ExitStack

from streaming.ingest import limits
from streaming.ingest.limits import AddressBook, Limits


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_connections_of_one_address_are_bounded() -> None:
    book = AddressBook(Limits(connections_per_address=2), Time())
    with book.connected("a") as first, book.connected("a") as second, book.connected("a") as third:
        assert (first, second, third) == (True, True, False)
        with book.connected("b") as other:
            assert other
    with book.connected("a") as again:
        assert again


def test_all_connections_together_are_bounded() -> None:
    book = AddressBook(Limits(connections=3), Time())
    with ExitStack() as stack:
        assert [stack.enter_context(book.connected(str(n))) for n in range(4)] == [True, True, True, False]


def test_wrong_keys_of_one_address_are_bounded_per_minute() -> None:
    time = Time()
    book = AddressBook(Limits(wrong_keys=3), time)
    for _ in range(3):
        assert book.may_try("a")
        book.wrong_key("a")
        time.now += 1
    assert not book.may_try("a")
    assert book.may_try("b")
    time.now += limits.WINDOW - 2
    assert book.may_try("a")


def test_remembered_addresses_are_bounded() -> None:
    book = AddressBook(Limits(wrong_keys=1), Time())
    for n in range(limits.MAX_ADDRESSES + 1):
        book.wrong_key(str(n))
    assert book.may_try("0")
    assert not book.may_try("1")


def test_all_addresses_of_an_ipv6_subscriber_are_one() -> None:
    book = AddressBook(Limits(connections_per_address=1, wrong_keys=1), Time())
    with book.connected("2001:db8:1:2::1") as first, book.connected("2001:db8:1:2::2") as second:
        assert (first, second) == (True, False)
    book.wrong_key("2001:db8:1:2::1")
    assert not book.may_try("2001:db8:1:2::2")
    assert book.may_try("2001:db8:1:3::1")
