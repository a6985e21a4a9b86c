"""Which texts are commands."""

import pytest

from chat import commands
from chat.commands import Command
from chat.orders import _ORDERS
from chat.standing import Rank


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/ban bobby being rude", Command("ban", "bobby being rude")),
        ("/BAN bobby", Command("ban", "bobby")),
        (".timeout bobby 60", Command("timeout", "bobby 60")),
        ("/r9kbeta", Command("uniquechat", "")),
        ("/nosuch x", Command("nosuch", "x")),
        ("...well", None),
        (".nosuch", None),
        ("// no", None),
        ("/ ban", None),
        ("hello /ban", None),
    ],
)
def test_parsing(text: str, command: Command | None) -> None:
    assert commands.parse(text) == command


@pytest.mark.parametrize(
    ("text", "unit_s", "seconds"),
    [
        ("90", 1, 90),
        ("90", 60, 5_400),
        ("30s", 60, 30),
        ("10M", 1, 600),
        ("1h30m", 1, 5_400),
        ("2d", 1, 172_800),
        ("1w", 1, 604_800),
        ("", 1, None),
        ("m", 1, None),
        ("-5", 1, None),
        ("10x", 1, None),
        ("5m3", 1, None),
        ("\u0663", 1, None),
        ("9999999999", 1, None),
    ],
)
def test_durations(text: str, unit_s: int, seconds: int | None) -> None:
    assert commands.seconds(text, unit_s=unit_s) == seconds


def test_every_command_is_carried_out_by_somebody() -> None:
    assert set(_ORDERS) | {"me"} == set(commands.USAGE)


def test_viewers_are_not_offered_what_moderators_are() -> None:
    assert "ban" not in commands.available(Rank.VIEWER)
    assert "ban" in commands.available(Rank.MODERATOR)
    assert "mod" in commands.available(Rank.BROADCASTER)
    assert "mod" not in commands.available(Rank.MODERATOR)
