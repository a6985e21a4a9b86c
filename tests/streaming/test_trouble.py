"""What viewers missed, in words."""

from __future__ import annotations

from streaming.bus.troubles import Trouble
from streaming.trouble import RECENT_MS, line, warnings
from workers.dispatcher.judgement import Loss

NOW = 1_700_000_000_000


def told(*troubles: tuple[str, int, str]) -> list[str]:
    return warnings([Trouble(NOW - 1, *each) for each in troubles], now_ms=NOW)


def test_one_moment_of_one_rendition() -> None:
    assert told(("480p", 7, "too late")) == [
        "Our servers did not keep up: viewers of 480p missed a moment. Source went on."
    ]


def test_several_of_several_from_the_largest_down() -> None:
    found = told(*((name, msn, "poisoned") for name in ("160p", "480p", "720p60") for msn in (7, 8)))
    assert found == [
        "Our encoder crashed on your picture twice: viewers of 720p60, 480p and 160p missed 2 moments. Source went on."
    ]


def test_what_is_long_past_is_not_told() -> None:
    assert warnings([Trouble(NOW - RECENT_MS, "480p", 7, "poisoned")], now_ms=NOW) == []


def test_there_are_words_for_whatever_the_dispatcher_gives_up() -> None:
    for loss in Loss:
        if loss.is_final:
            assert told(("480p", 7, loss))


def test_a_line_for_the_admin() -> None:
    assert line(Trouble(NOW, "480p", 7, "poisoned")) == "2023-11-14 22:13:20 UTC: segment 7 of 480p, poisoned"
