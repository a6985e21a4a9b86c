"""Which bytes a Range header asks for."""

from __future__ import annotations

import pytest

from vods.playback.ranges import Span, Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-99", Span(0, 100)),
        ("bytes=40-", Span(40, 100)),
        ("bytes=40-1000", Span(40, 100)),
        ("bytes=-10", Span(90, 100)),
        ("bytes=-1000", Span(0, 100)),
        # RFC 9110 14.2: what is no range we know is as if it were not there.
        ("", None),
        ("bytes=-", None),
        ("bytes=9-3", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=x-1", None),
    ],
)
def test_one_range_of_bytes_is_understood(header: str, span: Span | None) -> None:
    assert parse_range(header, 100) == span


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_behind_the_end_can_t_be_answered(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, 100)
