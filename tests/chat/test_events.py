"""Records: ids, deletions, batches."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import emotes, events
from chat.emotes import EmoteAt
from chat.events import Author, Said

ALICE = Author("a-id", "alice", "#123456", ["broadcaster"])


def message(number: int, user: Author = ALICE, text: str = "x") -> str:
    placed = f'{{"offset":{number},"ts":0,"id":"{events.message_id("0" * 15, number)}",'
    return placed + Said(user, text).body()


@given(st.integers(0, 2**52), st.from_regex(r"[0-9a-f]{15}", fullmatch=True))
def test_an_id_says_where_its_message_is(number: int, epoch: str) -> None:
    assert events.parse_message_id(events.message_id(epoch, number)) == (epoch, number)


@pytest.mark.parametrize("text", ["", "x", "00000000-0000-7000-8000-000000000000", "0" * 36])
def test_what_is_no_id(text: str) -> None:
    assert events.parse_message_id(text) is None


def test_a_message_is_what_the_protocol_says() -> None:
    said = Said(ALICE, "hrWave hi", [EmoteAt("g-hrwave", "hrWave", 0, 5)], reply_to={"id": "p"}, action=True)
    assert json.loads("{" + said.body()) == {
        "type": "message",
        "user": {"id": "a-id", "login": "alice", "name": "alice", "color": "#123456", "badges": ["broadcaster"]},
        "text": "hrWave hi",
        "emotes": [["g-hrwave", 0, 5]],
        "reply_to": {"id": "p"},
        "action": True,
    }


def test_emotes_are_whole_words_and_ranges_count_code_points() -> None:
    found = emotes.find("🙂 hrWave xhrWave aliceHi1", {"aliceHi1": "own"})
    assert [(emote.id, emote.start, emote.end) for emote in found] == [("g-hrwave", 2, 7), ("own", 17, 24)]


def test_deleted_messages_are_not_told_again() -> None:
    other = Author("b-id", "bobby", "#000000")
    target = events.message_id("0" * 15, 1)
    records = [
        message(1),
        message(2, other),
        message(3),
        events.dumps(events.deleted(target, "alice", "mod")),
        events.dumps(events.cleared(user="b-id", login="bobby", seconds=1, by="mod")),
        message(6, other, "after"),
    ]
    kept = [json.loads(text) for text in events.without_deleted(records)]
    assert [record.get("offset") for record in kept if record["type"] == "message"] == [3, 6]
    assert [record["type"] for record in kept].count("clear") == 1


def test_a_deleted_message_is_not_quoted_any_more() -> None:
    said = json.loads(message(1))
    quote = {"id": said["id"], "user": "a-id", "login": "alice", "text": "x"}
    other = Author("b-id", "bobby", "#000000")
    answer = f'{{"offset":2,"ts":0,"id":"m-2",{Said(other, "indeed", reply_to=quote).body()}'
    for control in (
        events.deleted(said["id"], "alice", "mod"),
        events.cleared(user="a-id", login="alice", seconds=1, by="mod"),
    ):
        [kept, _] = events.without_deleted([message(1), answer, events.dumps(control)])
        assert json.loads(kept)["reply_to"] == {**quote, "text": ""}
        assert (json.loads(kept)["text"], json.loads(kept)["offset"]) == ("indeed", 2)


def test_a_message_is_gone_once_it_was_deleted_or_its_author_cleared() -> None:
    said = json.loads(message(1))
    deleted = events.dumps(events.deleted(said["id"], "alice", "mod"))
    assert not events.is_gone(said, [message(2, text='"type":"delete"')])
    assert events.is_gone(said, [message(2), deleted])
    for user, gone in (("a-id", True), (None, True), ("b-id", False)):
        cleared = events.dumps(events.cleared(user=user, login=None, seconds=None, by="mod"))
        assert events.is_gone(said, [cleared]) is gone


def test_a_text_can_not_pass_for_a_deletion() -> None:
    evil = message(1, text='"type":"clear","user":null')
    assert len(events.without_deleted([message(0), evil])) == 2


def test_a_cleared_room_tells_nothing_from_before() -> None:
    records = [message(1), events.dumps(events.cleared(user=None, login=None, seconds=None, by="mod")), message(3)]
    assert [json.loads(text).get("offset") for text in events.without_deleted(records)] == [None, 3]
