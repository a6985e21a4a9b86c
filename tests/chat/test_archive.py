"""What a recording keeps of its chat."""

from __future__ import annotations

import json

import pytest

from chat import events
from chat.archive import transcript
from chat.bus import log, posting
from chat.bus.layout import CONTROL, MESSAGE, room_key
from chat.events import Author, Said
from streaming import on_air
from streaming.bus.layout import Call

pytestmark = pytest.mark.usefixtures("state_server")

ROOM = "0190bbbb-0000-7000-8000-000000000001"
EPOCH = "0" * 15
BOBBY = Author("u-bobby", "bobby", "#000000")


@pytest.fixture(autouse=True)
def _empty_room() -> None:
    for name in ("log", "head"):
        on_air.state().run(Call(arguments=("DEL", room_key(ROOM, name)), parse=int))


def put(offset: int, ts: int, body: str, kind: bytes = MESSAGE) -> None:
    """Puts a record of a time of our choice into the log."""
    text = f'{{"offset":{offset},"ts":{ts},"id":"{events.message_id(EPOCH, offset)}",{body}'
    fields = ("k", kind, "t", ts, "j", text, "s", 0)
    calls = [
        Call(arguments=("XADD", room_key(ROOM, "log"), f"{offset}-0", *fields), parse=str),
        Call(arguments=("HSET", room_key(ROOM, "head"), "epoch", EPOCH, "offset", offset), parse=int),
    ]
    on_air.state().run_all(calls)


def said(text: str) -> str:
    return Said(BOBBY, text).body()


def texts(from_ms: int, until_ms: int) -> list[str]:
    lines = transcript(ROOM, from_ms=from_ms, until_ms=until_ms).lines
    return [json.loads(line.text).get("text", json.loads(line.text)["type"]) for line in lines]


def test_it_has_what_was_said_from_a_time_on_and_before_another() -> None:
    for number in range(1, 51):
        put(number, number * 100, said(f"{number}"))
    assert texts(1_000, 1_400) == ["10", "11", "12", "13"]
    assert texts(0, 101) == ["1"]
    assert texts(4_950, 9_999) == ["50"]
    assert texts(5_001, 9_999) == []


def test_an_empty_room_has_an_empty_transcript() -> None:
    assert transcript(ROOM, from_ms=0, until_ms=10).lines == ()
    assert transcript(ROOM, from_ms=0, until_ms=10).complete


def test_it_leaves_out_what_was_deleted_since_and_tells_deletions_of_its_time() -> None:
    put(1, 100, said("one"))
    put(2, 200, said("two"))
    put(3, 300, events.body(events.deleted(events.message_id(EPOCH, 1), "bobby", "mod")), CONTROL)
    put(4, 400, said("four"))
    put(5, 900, events.body(events.cleared(user="u-bobby", login="bobby", seconds=1, by="mod")), CONTROL)
    assert texts(0, 250) == []
    assert texts(0, 1_000) == ["delete", "clear"]
    put(6, 950, said("six"))
    assert texts(350, 1_000) == ["clear", "six"]


def test_it_says_when_the_log_has_lost_the_beginning() -> None:
    put(7, 1_000, said("seven"))
    assert not transcript(ROOM, from_ms=500, until_ms=2_000).complete
    assert transcript(ROOM, from_ms=1_000, until_ms=2_000).complete


def test_it_reads_on_over_many_pages() -> None:
    bodies = [
        posting.append(ROOM, body=said(f"{number}"), epoch=EPOCH, kind=MESSAGE) for number in range(log.MOST + 50)
    ]
    on_air.state().run_all(bodies)
    assert len(transcript(ROOM, from_ms=0, until_ms=2**45).lines) == log.MOST + 50
