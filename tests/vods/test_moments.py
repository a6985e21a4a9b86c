"""Moments as people type them."""

from __future__ import annotations

import pytest

from vods.moments import exact_moment, format_moment, parse_chapters, parse_moment


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0:00", 0),
        ("2:03", 123_000),
        ("1:02:03", 3_723_000),
        ("1:02:03.5", 3_723_500),
        ("1h2m3s", 3_723_000),
        ("90", 90_000),
        (" 90s ", 90_000),
        ("75:00", 4_500_000),
    ],
)
def test_times_are_understood(text: str, ms: int) -> None:
    assert parse_moment(text) == ms


@pytest.mark.parametrize("text", ["", "x", "-1", "1:2:3:4", "1,5", "9999999999"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_moment(text)


@pytest.mark.parametrize("ms", [0, 59_000, 60_000, 3_723_000])
def test_what_is_written_is_read_again(ms: int) -> None:
    assert parse_moment(format_moment(ms)) == ms
    assert exact_moment(ms) == format_moment(ms)


@pytest.mark.parametrize("ms", [7, 12_345, 3_723_500])
def test_what_is_no_whole_second_is_written_to_the_millisecond(ms: int) -> None:
    assert parse_moment(exact_moment(ms)) == ms


def test_chapters_are_lines_in_whatever_order() -> None:
    assert parse_chapters("1:00 - The boss\n\n0:00 Start\n") == [(0, "Start"), (60_000, "The boss")]
