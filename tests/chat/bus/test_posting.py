"""One call per message on a real Valkey: limits at their edges, numbers, log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from chat.bus import layout, log, posting, rooms
from chat.bus.layout import room_key
from chat.bus.posting import JudgedByOld, Limits, Posted
from chat.errors import NotUnique, Repeated, SlowMode, TimedOut, TooFast
from chat.events import parse_message_id
from chat.facts import Facts
from chat.standing import Standing
from streaming.bus.layout import Call
from streaming.bus.redis import AsyncValkey

ROOM = "0190aaaa-0000-7000-8000-000000000001"
EPOCH = "123456789abcdef"
FACTS = Facts(room=ROOM, login="alice", revision=3, emotes={})
BOBBY = Standing(user="u-1", login="bobby", color="#000000")
LIMITS = Limits(count=20, window_ms=30_000, repeat_ms=30_000)


@pytest.fixture
async def valkey(state_url: str) -> AsyncIterator[AsyncValkey]:
    client = AsyncValkey(state_url)
    await client.run(rooms.put_facts(FACTS))
    await client.run(rooms.put_standing(ROOM, "u-1", changes=0, packed=BOBBY.pack()))
    yield client
    await client.aclose()


@pytest.fixture
async def another(state_url: str) -> AsyncIterator[AsyncValkey]:
    """A second process's client."""
    client = AsyncValkey(state_url)
    yield client
    await client.aclose()


def post(text: str = "hello", *, limits: Limits = LIMITS, revision: int = 3, who: Standing = BOBBY) -> Call[Posted]:
    return posting.post(
        ROOM,
        user="u-1",
        revision=revision,
        standing=who.pack(),
        text=text,
        body='"type":"message","text":' + json.dumps(text) + "}",
        limits=limits,
        epoch=EPOCH,
    )


async def age(valkey: AsyncValkey, ms: int) -> None:
    """Makes everything the user said so much older, as if time had passed."""
    key = room_key(ROOM, "times", "u-1")
    times = await valkey.run(Call(arguments=("LRANGE", key, 0, -1), parse=lambda reply: [int(t) for t in reply]))
    for index, at in enumerate(times):
        await valkey.run(Call(arguments=("LSET", key, index, at - ms), parse=lambda _reply: None))


async def test_messages_are_numbered_and_kept_in_order(valkey: AsyncValkey) -> None:
    first, second = await valkey.run(post("one")), await valkey.run(post("two"))
    assert (first.offset, second.offset) == (1, 2)
    assert parse_message_id(second.id) == (EPOCH, 2)
    tail = await valkey.run(log.tail(ROOM, count=10, epoch="x" * 15))
    assert (tail.epoch, tail.offset) == (EPOCH, 2)
    records = [json.loads(record.text) for record in tail.records]
    assert [(record["offset"], record["id"], record["text"]) for record in records] == [
        (1, first.id, "one"),
        (2, second.id, "two"),
    ]
    assert abs(records[0]["ts"] - first.ts) < 2


async def test_numbers_are_never_given_twice_whatever_a_kill_of_valkey_lost(valkey: AsyncValkey) -> None:
    first = await valkey.run(post("one"))
    started = (room_key(ROOM, "head"), "started", 1)  # as if another Valkey had written the head
    await valkey.run(Call(arguments=("HSET", *started), parse=lambda _reply: None))
    second, third = await valkey.run(post("two")), await valkey.run(post("three"))
    assert (first.offset, second.offset, third.offset) == (1, 2 + layout.JUMP, 3 + layout.JUMP)
    tail = await valkey.run(log.after(ROOM, 1, epoch=EPOCH))
    assert tail.records[0].follows(1)
    assert tail.records[1].follows(second.offset)
    assert not tail.records[1].follows(1)


async def test_the_20th_message_in_30_s_passes_and_the_21st_does_not(valkey: AsyncValkey, another: AsyncValkey) -> None:
    results = await asyncio.gather(
        *((valkey if number % 2 else another).run(post(f"text {number}")) for number in range(21)),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, TooFast)]
    assert len(refused) == 1
    assert 29_000 < refused[0].retry_ms <= 30_000
    await age(valkey, 29_000)
    with pytest.raises(TooFast):
        await another.run(post("late"))
    await age(valkey, 1_000)
    await another.run(post("later"))


async def test_of_two_processes_one_passes_slow_mode(valkey: AsyncValkey, another: AsyncValkey) -> None:
    slow = Limits(count=20, window_ms=30_000, slow_ms=60_000)
    results = await asyncio.gather(
        valkey.run(post("one", limits=slow)), another.run(post("two", limits=slow)), return_exceptions=True
    )
    assert [type(result) for result in results].count(SlowMode) == 1
    await age(valkey, 59_000)
    with pytest.raises(SlowMode) as refused:
        await valkey.run(post("three", limits=slow))
    assert refused.value.retry_ms <= 1_000
    await age(valkey, 1_000)
    await valkey.run(post("three", limits=slow))


async def test_the_same_words_again_are_refused_for_30_s(valkey: AsyncValkey, another: AsyncValkey) -> None:
    await valkey.run(post("Hello  there"))
    with pytest.raises(Repeated) as refused:
        await another.run(post("hello there"))
    assert 29_000 < refused.value.retry_ms <= 30_000
    await valkey.run(post("hello there", limits=Limits(count=100, window_ms=30_000)))


async def test_nothing_is_said_twice_in_unique_chat(valkey: AsyncValkey) -> None:
    unique = Limits(count=20, window_ms=30_000, unique=True)
    await valkey.run(post("first", limits=unique))
    with pytest.raises(NotUnique):
        await valkey.run(post("FIRST", limits=unique))


async def test_a_refused_message_changes_nothing(valkey: AsyncValkey) -> None:
    with pytest.raises(TimedOut):
        await valkey.run(post(limits=Limits(count=20, window_ms=30_000, from_ms=2**45, repeat_ms=30_000)))
    assert (await valkey.run(log.tail(ROOM, count=10, epoch=EPOCH))).offset == 0
    assert (await valkey.run(post())).offset == 1


async def test_a_message_judged_by_older_facts_is_sent_back(valkey: AsyncValkey) -> None:
    with pytest.raises(JudgedByOld):
        await valkey.run(post(revision=2))


async def test_a_ban_counts_from_the_moment_it_is_written(valkey: AsyncValkey) -> None:
    await valkey.run(post())
    await valkey.run(rooms.forget_standing(ROOM, "u-1", epoch=EPOCH))
    with pytest.raises(JudgedByOld):
        await valkey.run(post("more"))


async def test_a_standing_read_before_a_change_is_not_kept_after_it(valkey: AsyncValkey) -> None:
    changes, _ = await valkey.run(rooms.standing(ROOM, "u-1"))
    await valkey.run(rooms.forget_standing(ROOM, "u-1", epoch=EPOCH))
    assert not await valkey.run(rooms.put_standing(ROOM, "u-1", changes=changes, packed=BOBBY.pack()))
    assert (await valkey.run(rooms.standing(ROOM, "u-1")))[1] is None


async def test_older_facts_never_replace_newer_ones(valkey: AsyncValkey) -> None:
    older = Facts(room=ROOM, login="alice", revision=2, slow_seconds=30, emotes={})
    assert not await valkey.run(rooms.put_facts(older))
    assert await valkey.run(rooms.facts(ROOM)) == FACTS


async def test_a_busy_room_shows_a_sample_and_keeps_all(valkey: AsyncValkey) -> None:
    free = Limits(count=100, window_ms=1)
    first = Limits(count=100, window_ms=1, passes_first=True)
    posted = [await valkey.run(post(f"m {number}", limits=free)) for number in range(600)]
    hidden = [one for one in posted if not one.shown]
    assert hidden, f"600 messages took {posted[-1].ts - posted[0].ts} ms"
    assert (await valkey.run(post("a moderator's", limits=first))).shown
    in_log = await valkey.run(log.tail(ROOM, count=1_000, epoch=EPOCH))
    in_hidden = await valkey.run(Call(arguments=("XLEN", room_key(ROOM, "hidden")), parse=int))
    assert len(in_log.records) + in_hidden == 601
    assert len({one.id for one in posted}) == 600


async def test_the_log_forgets_what_is_a_day_old(valkey: AsyncValkey) -> None:
    fields = ("k", "m", "t", 1, "j", "{}")
    await valkey.run(Call(arguments=("XADD", room_key(ROOM, "log"), "1-0", *fields), parse=lambda _reply: None))
    await valkey.run(
        Call(arguments=("HSET", room_key(ROOM, "head"), "epoch", EPOCH, "offset", 1), parse=lambda _reply: None)
    )
    for number in range(8):
        await valkey.run(post(f"words {number}"))
    tail = await valkey.run(log.tail(ROOM, count=10, epoch=EPOCH))
    assert [record.offset for record in tail.records] == list(range(2, 10))
    assert layout.KEEP_RECORDS == 20_000
