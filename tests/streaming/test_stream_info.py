"""Titles and tags are brought into bounds, or refused with every reason."""

import unicodedata

import pytest

from streaming.errors import InvalidStreamInfo
from streaming.stream_info import clean_tags, clean_title


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  Building   a\tstreaming\nsite ", "Building a streaming site"),
        ("", ""),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("line\u2028break", "line break"),
        ("Cafe\u0301", "Café"),
        ("👩\u200d🚀 launch", "👩\u200d🚀 launch"),
        ("x" * 140, "x" * 140),
        ("\u202eevil\u202c", "evil"),
        ("\u200b\u200d", ""),
    ],
)
def test_a_title_is_one_clean_line(written: str, kept: str) -> None:
    assert clean_title(written) == kept


def test_a_long_title_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidStreamInfo, match="141 characters; 140"):
        clean_title("x" * 141)


def test_tags_keep_their_order_and_lose_what_repeats() -> None:
    assert clean_tags(["#Music", " c++ ", "", "MUSIC", "día-libre"]) == ["Music", "c++", "día-libre"]


@pytest.mark.parametrize("tag", ["हिन्दी", "ไทย", "日本語", "c#", "snake_case", "día-libre"])
def test_a_tag_is_a_word_of_any_script(tag: str) -> None:
    assert clean_tags([tag]) == [unicodedata.normalize("NFC", tag)]


@pytest.mark.parametrize("tag", ["two words", "-x", "x-", "a--b", "<b>", "a,b", "x" * 26])
def test_a_tag_that_is_not_a_word_is_refused(tag: str) -> None:
    with pytest.raises(InvalidStreamInfo):
        clean_tags([tag])


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidStreamInfo) as refused:
        clean_tags(["two words", "x" * 26, *(f"tag{n}" for n in range(11))])
    assert len(refused.value.problems) == 3
