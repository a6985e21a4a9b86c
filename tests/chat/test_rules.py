"""What room, author and text decide, each rule at its edge."""

import pytest

from chat import emotes, rules
from chat.errors import (
    Banned,
    ChatError,
    EmotesOnly,
    EmptyMessage,
    FollowersOnly,
    Held,
    LinkBlocked,
    MessageTooLong,
    SubscribersOnly,
    TermBlocked,
    TimedOut,
)
from chat.facts import Facts
from chat.standing import FOR_GOOD, Rank, Standing

NOW = 1_700_000_000_000
OWN = {"aliceHi1": "0190"}


def facts(**changes: object) -> Facts:
    return Facts(room="r", login="alice", emotes=OWN, **changes)  # type: ignore[arg-type]


def standing(**changes: object) -> Standing:
    return Standing(user="u", login="bobby", color="#000000", **changes)  # type: ignore[arg-type]


def judge(text: str = "hello", *, room: Facts | None = None, who: Standing | None = None) -> object:
    return rules.judge(text, emotes.find(text, OWN), facts=room or facts(), standing=who or standing(), now_ms=NOW)


def test_a_message_has_at_most_500_code_points() -> None:
    assert len(rules.clean("🙂" * 500)) == 500
    with pytest.raises(MessageTooLong):
        rules.clean("🙂" * 501)


@pytest.mark.parametrize("text", ["", " \n\t ", "\u200b\u200b", "\u0000\u0007", "\u2028"])
def test_a_message_says_something(text: str) -> None:
    with pytest.raises(EmptyMessage):
        rules.clean(text)


def test_a_message_is_one_line_without_control_characters() -> None:
    assert rules.clean("a\r\nb\x00c\x1bd\ud800e") == "a  bcde"


@pytest.mark.parametrize(
    ("room", "who", "text", "refusal"),
    [
        ({}, {"banned_until": FOR_GOOD}, "hi", Banned),
        ({}, {"banned_until": NOW + 1}, "hi", TimedOut),
        ({}, {"banned_until": NOW}, "hi", None),
        ({"emote_only": True}, {}, "hi hrWave", EmotesOnly),
        ({"emote_only": True}, {}, "hrWave  aliceHi1", None),
        ({"subscribers_only": True}, {}, "hi", SubscribersOnly),
        ({"subscribers_only": True}, {"subscribed_until": NOW}, "hi", SubscribersOnly),
        ({"subscribers_only": True}, {"subscribed_until": NOW + 1}, "hi", None),
        ({"subscribers_only": True}, {"subscribed_until": FOR_GOOD}, "hi", None),
        ({"followers_minutes": 0}, {}, "hi", FollowersOnly),
        ({"followers_minutes": 0}, {"followed_at": NOW}, "hi", None),
        ({"followers_minutes": 10}, {"followed_at": NOW - 599_999}, "hi", FollowersOnly),
        ({"followers_minutes": 10}, {"followed_at": NOW - 600_000}, "hi", None),
        ({"followers_minutes": 10}, {"subscribed_until": FOR_GOOD}, "hi", None),
        ({"terms": ("foo*",)}, {}, "what a Fóobar", TermBlocked),
        ({"terms": ("foo*",)}, {}, "what a bar", None),
        ({"links_allowed": False}, {}, "see example.com/x", LinkBlocked),
        ({"links_allowed": False}, {"vip": True}, "see example.com/x", None),
        ({}, {}, "A" * 60 + " " + "WHY WOULD YOU EVER DO THIS TO ME TODAY", Held),
        ({"spam_filter": False}, {}, "A" * 60 + " " + "WHY WOULD YOU EVER DO THIS TO ME TODAY", None),
        ({"emote_only": True, "subscribers_only": True}, {"vip": True}, "hi", None),
        ({"terms": ("foo",), "emote_only": True}, {"rank": Rank.MODERATOR}, "foo", None),
        ({}, {"rank": Rank.MODERATOR, "banned_until": FOR_GOOD}, "hi", Banned),
    ],
)
def test_each_rule(room: dict[str, object], who: dict[str, object], text: str, refusal: type[ChatError] | None) -> None:
    if refusal is None:
        judge(text, room=facts(**room), who=standing(**who))
        return
    with pytest.raises(refusal):
        judge(text, room=facts(**room), who=standing(**who))


def test_viewers_have_20_in_30_s_and_moderators_100() -> None:
    viewer, moderator = judge(), judge(who=standing(rank=Rank.MODERATOR))
    assert (viewer.count, viewer.window_ms, viewer.repeat_ms) == (20, 30_000, 30_000)  # type: ignore[attr-defined]
    assert (moderator.count, moderator.repeat_ms) == (100, 0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("who", "slow_ms"),
    [({}, 30_000), ({"vip": True}, 0), ({"subscribed_until": FOR_GOOD}, 0), ({"rank": Rank.MODERATOR}, 0)],
)
def test_who_passes_slow_mode(who: dict[str, object], slow_ms: int) -> None:
    limits = judge(room=facts(slow_seconds=30), who=standing(**who))
    assert limits.slow_ms == slow_ms  # type: ignore[attr-defined]


def test_a_standing_and_facts_survive_packing() -> None:
    who, room = standing(rank=Rank.MODERATOR, vip=True), facts(terms=("a", "b*"), pinned={"id": "x"})
    assert Standing.unpack(who.pack()) == who
    assert Facts.unpack(room.pack()) == room
