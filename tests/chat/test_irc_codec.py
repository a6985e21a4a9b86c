"""IRC's lines, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.irc import codec, translate
from chat.irc.codec import Line
from chat.irc.translate import Capabilities

ALL = Capabilities(tags=True, commands=True, membership=True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("PING :tmi.twitch.tv", Line("PING", ("tmi.twitch.tv",))),
        ("CAP REQ :twitch.tv/tags twitch.tv/commands", Line("CAP", ("REQ", "twitch.tv/tags twitch.tv/commands"))),
        ("privmsg #alice :hi: there", Line("PRIVMSG", ("#alice", "hi: there"))),
        ("@a=x\\sy;b= :me!me@me JOIN #a,#b", Line("JOIN", ("#a,#b",), "me!me@me", {"a": "x y", "b": ""})),
        ("", None),
        ("   ", None),
        ("@only=tags", None),
        ("x" * 5_000, None),
    ],
)
def test_lines_are_read(text: str, line: Line | None) -> None:
    assert codec.parse(text) == line


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    codec.parse(text)


@given(st.text(max_size=100))
def test_a_tags_value_survives(value: str) -> None:
    assert codec.unescape(codec.escape(value)) == value


@given(st.text(max_size=200))
def test_what_is_said_can_not_become_a_line_of_its_own(text: str) -> None:
    rendered = codec.render(Line("PRIVMSG", ("#a", text), "x"))
    assert "\r" not in rendered
    assert "\n" not in rendered


def test_a_message_with_all_tags() -> None:
    record = {
        "type": "message",
        "id": "m-1",
        "ts": 5,
        "text": "hi hrWave",
        "emotes": [["g-hrwave", 3, 8], ["g-hrwave", 10, 15], ["own", 0, 1]],
        "user": {"id": "u-1", "login": "bobby", "name": "bobby", "color": "#aabbcc", "badges": ["moderator"]},
    }
    [text] = translate.record_lines(record, login="alice", room="r-1", capabilities=ALL)
    assert text == (
        "@badge-info=;badges=moderator/1;color=#AABBCC;display-name=bobby;mod=1;subscriber=0;turbo=0;user-id=u-1;"
        "user-type=mod;emotes=g-hrwave:3-8,10-15/own:0-1;id=m-1;room-id=r-1;tmi-sent-ts=5 "
        ":bobby!bobby@bobby.tmi.twitch.tv PRIVMSG #alice :hi hrWave"
    )
    [bare] = translate.record_lines(record, login="alice", room="r-1", capabilities=Capabilities())
    assert bare == ":bobby!bobby@bobby.tmi.twitch.tv PRIVMSG #alice :hi hrWave"


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            {"type": "clear", "ts": 1, "user": "u", "login": "bobby", "seconds": 60},
            "@ban-duration=60;room-id=r;tmi-sent-ts=1;target-user-id=u :tmi.twitch.tv CLEARCHAT #alice :bobby",
        ),
        (
            {"type": "clear", "ts": 1, "user": "u", "login": "bobby", "seconds": None},
            "@room-id=r;tmi-sent-ts=1;target-user-id=u :tmi.twitch.tv CLEARCHAT #alice :bobby",
        ),
        (
            {"type": "clear", "ts": 1, "user": None, "login": None, "seconds": None},
            "@room-id=r;tmi-sent-ts=1 :tmi.twitch.tv CLEARCHAT #alice",
        ),
        (
            {"type": "delete", "ts": 1, "target": "m", "login": "bobby"},
            "@login=bobby;target-msg-id=m;room-id=r;tmi-sent-ts=1 :tmi.twitch.tv CLEARMSG #alice :gone",
        ),
    ],
)
def test_moderation_as_twitch_says_it(record: dict[str, object], text: str) -> None:
    assert translate.record_lines(record, login="alice", room="r", capabilities=ALL, deleted_text="gone") == [text]
    assert translate.record_lines(record, login="alice", room="r", capabilities=Capabilities(tags=True)) == []
