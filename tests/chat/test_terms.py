"""Blocked words, links and spam."""

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import spam, terms


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("ass", "you ass!", True),
        ("ass", "classic", False),
        ("*ass", "jackass", True),
        ("ass*", "assorted", True),
        ("two words", "these two  words", False),
        ("two words", "these two words.", True),
        ("foo", "F\u00d3\u00d3", True),
        ("foo", "f\u200bo\u200bo", True),
        ("foo", "\uff46\uff4f\uff4f", True),
        (".*", "anything", False),
        ("a.c", "abc", False),
    ],
)
def test_words_are_found_whole_and_disguised(term: str, text: str, found: bool) -> None:
    assert terms.blocked(text, (term,)) is found


@given(st.from_regex(r"[ab!*](?: ?[ab!*]){1,5}", fullmatch=True), st.text("ab! ", max_size=10))
def test_a_star_stands_for_any_letters_of_one_word(term: str, text: str) -> None:
    spelt = r"\S*".join(re.escape(part) for part in term.split("*"))
    assert terms.blocked(text, (term,)) is (re.search(rf"(?<!\w){spelt}(?!\w)", text) is not None)


@pytest.mark.parametrize("text", ["a" * 500, "!" * 500, "\u3316" * 500])
def test_no_term_holds_up_the_room(text: str) -> None:
    """Each of these took more than minutes, in which the process served nobody."""
    worst = tuple(f"{part * 40}{chr(0x4E00 + number)}" for number in range(100) for part in ("a*", "!*", "\u30ed*"))
    ask = f"from chat import terms; assert not terms.blocked({text!r}, {worst!r})"
    subprocess.run([sys.executable, "-c", ask], check=True, timeout=30)  # the search itself can't be interrupted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://x.y", True),
        ("go to example.com now", True),
        ("WWW.Example.org/path", True),
        ("3.14 is e.g. pi", False),
        ("end.Start of next", False),
        ("me@work", False),
        ("file.py", True),
    ],
)
def test_links(text: str, found: bool) -> None:
    assert terms.has_link(text) is found


@given(st.text(max_size=500), st.lists(st.text(min_size=2, max_size=20), max_size=5))
def test_no_text_and_no_term_breaks_the_filter(text: str, blocked: list[str]) -> None:
    terms.blocked(text, tuple(blocked))
    terms.has_link(text)
    assert spam.score(text) >= 0


@pytest.mark.parametrize(
    "text",
    [
        "nice play!",
        "GG",
        "LETS GOOOOOO",
        "hahahahahahaha",
        "そうですね、今日はいい天気です",
        "Ça va très bien déjà là-bas",
        "👏👏👏👏👏",
    ],
)
def test_what_people_say_is_no_spam(text: str) -> None:
    assert spam.score(text) < spam.HOLD_AT


@pytest.mark.parametrize(
    "text",
    [
        "z\u0300\u0301\u0302\u0303\u0304\u0305a\u0300\u0301\u0302\u0303\u0304\u0305",
        "BUY BUY BUY BUY BUY BUY BUY BUY BUY BUY BUY BUY BUY BUY",
        "$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$",
    ],
)
def test_zalgo_shouted_repeats_and_floods_are_held(text: str) -> None:
    assert spam.score(text) >= spam.HOLD_AT
