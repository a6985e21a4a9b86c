"""A room in one process: each record once, in order, to every viewer, in batches."""

import asyncio

import pytest

from chat.bus.layout import CONTROL, EPHEMERAL, MESSAGE
from chat.bus.log import Record, Tail
from chat.facts import Facts
from chat.hub.room import RING, Batch, Room, frames, window_s

EPOCH = "0" * 15


class Listener:
    def __init__(self) -> None:
        self.since = 0
        self.batches: list[list[int]] = []

    def take(self, batch: Batch) -> None:
        self.batches.append([record.offset for record in batch.records])

    @property
    def identity(self) -> str:
        return str(id(self))

    def room_closed(self) -> None:
        """Nothing."""

    def room_changed(self, facts: Facts) -> None:
        pass

    @property
    def offsets(self) -> list[int]:
        return [offset for batch in self.batches for offset in batch]


def record(offset: int, kind: bytes = MESSAGE) -> Record:
    return Record(offset, kind, f'{{"offset":{offset}}}')


def tail(*offsets: int, head: int | None = None, epoch: str = EPOCH) -> Tail:
    return Tail(epoch, head if head is not None else max(offsets, default=0), tuple(record(o) for o in offsets))


@pytest.fixture
def gaps() -> list[Room]:
    return []


@pytest.fixture
def room(gaps: list[Room]) -> Room:
    opened = Room("r", on_gap=gaps.append)
    opened.open(tail(1, 2, 3))
    return opened


def join(room: Room) -> Listener:
    listener = Listener()
    listener.since = room.offset
    room.viewers[listener] = None
    return listener


async def flushed(room: Room) -> None:
    if room._flusher is not None:
        await room._flusher


async def test_records_come_once_and_in_order(room: Room) -> None:
    listener = join(room)
    for offset in (4, 4, 5, 3, 6):
        room.receive(record(offset))
    await flushed(room)
    assert listener.offsets == [4, 5, 6]


async def test_a_gap_waits_for_what_is_missing(room: Room, gaps: list[Room]) -> None:
    listener = join(room)
    room.receive(record(4))
    room.receive(record(7))
    room.receive(record(8))
    assert gaps == [room]
    assert room.catch_up(tail(5, 6, 7))
    await flushed(room)
    assert listener.offsets == [4, 5, 6, 7, 8]


async def test_what_was_read_twice_comes_once(room: Room, gaps: list[Room]) -> None:
    listener = join(room)
    room.receive(record(6))
    assert room.catch_up(tail(4, 5, 6, 7))
    # Another reading of the log was under way from the same place.
    assert room.catch_up(tail(4, 5, 6, 7, 8))
    await flushed(room)
    assert listener.offsets == [4, 5, 6, 7, 8]


async def test_what_came_while_the_log_was_read_follows_it(gaps: list[Room]) -> None:
    room = Room("r", on_gap=gaps.append)
    room.receive(record(3))
    room.receive(record(4))
    room.open(tail(1, 2, 3))
    assert room.offset == 4
    assert [one.offset for one in room.newest(10)] == [1, 2, 3, 4]


async def test_one_who_joins_while_a_batch_gathers_gets_only_what_is_after_the_welcome(room: Room) -> None:
    early = join(room)
    room.receive(record(4))
    await flushed(room)
    room.receive(record(5))
    late = join(room)
    room.receive(record(6))
    await flushed(room)
    assert early.offsets == [4, 5, 6]
    assert late.offsets == [6]


async def test_the_first_after_a_pause_goes_at_once_and_the_next_together(room: Room) -> None:
    listener = join(room)
    for offset in range(4, 20):
        room.receive(record(offset))
        await asyncio.sleep(0)
    await flushed(room)
    assert listener.offsets == list(range(4, 20))
    assert len(listener.batches) <= 3


async def test_an_emptied_room_is_another_epoch(room: Room, gaps: list[Room]) -> None:
    join(room)
    room.receive(record(1))
    assert gaps == [room]
    assert not room.catch_up(tail(1, epoch="1" * 15))
    assert (room.epoch, room.offset) == ("1" * 15, 1)


async def test_a_log_that_lost_its_end_goes_on_beyond_what_viewers_have_seen(room: Room, gaps: list[Room]) -> None:
    listener = join(room)
    room.receive(record(4))
    assert room.catch_up(tail(head=2))
    room.receive(Record(100, MESSAGE, "{}", left_out=97))
    await flushed(room)
    assert listener.offsets == [4, 100]
    assert gaps == []
    assert room.since(4) == [Record(100, MESSAGE, "{}", left_out=97)]


async def test_a_log_whose_records_are_all_gone_makes_viewers_begin_anew(room: Room) -> None:
    assert not room.catch_up(tail(head=9))
    assert room.offset == 9


def test_the_ring_answers_for_what_it_has(room: Room) -> None:
    found = room.since(1)
    assert found is not None
    assert [one.offset for one in found] == [2, 3]
    assert room.since(3) == []
    for offset in range(4, RING + 10):
        room.receive(record(offset))
    assert room.since(5) is None


def test_batches_grow_with_the_room() -> None:
    assert window_s(1) == window_s(1_000) == 0.05
    assert window_s(10_000) == window_s(100_000) == 0.25


def test_a_frame_is_bounded() -> None:
    records = [Record(offset, MESSAGE, "x" * 30_000) for offset in range(1, 6)]
    assert [[one.offset for one in run] for run in frames(records)] == [[1, 2], [3, 4], [5]]


def test_messages_share_a_frame_and_controls_stand_between() -> None:
    records = [record(1), record(2), record(3, CONTROL), record(4), record(0, EPHEMERAL)]
    assert [[one.offset for one in run] for run in frames(records)] == [[1, 2], [3], [4], [0]]
