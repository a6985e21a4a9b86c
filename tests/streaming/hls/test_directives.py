from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.hls.directives import Directives, parse_directives
from streaming.hls.errors import DirectiveError


@pytest.mark.parametrize(
    ("query", "directives"),
    [
        ({}, Directives()),
        ({"token": "x"}, Directives()),
        ({"_HLS_msn": "12"}, Directives(12)),
        ({"_HLS_msn": "0", "_HLS_part": "3"}, Directives(0, 3)),
        ({"_HLS_skip": "YES"}, Directives(skip=True)),
        ({"_HLS_msn": "7", "_HLS_part": "0", "_HLS_skip": "v2"}, Directives(7, 0, skip=True)),
    ],
)
def test_directives(query: dict[str, str], directives: Directives) -> None:
    assert parse_directives(query) == directives


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"_HLS_part": "1"}, "_HLS_part"),
        ({"_HLS_msn": ""}, "_HLS_msn"),
        ({"_HLS_msn": "-1"}, "_HLS_msn"),
        ({"_HLS_msn": "1.5"}, "_HLS_msn"),
        ({"_HLS_msn": "\u0661"}, "_HLS_msn"),
        ({"_HLS_msn": "9" * 11}, "_HLS_msn"),
        ({"_HLS_msn": "1", "_HLS_part": "x"}, "_HLS_part"),
        ({"_HLS_skip": "NO"}, "_HLS_skip"),
    ],
)
def test_what_cannot_be_honoured_is_named(query: dict[str, str], name: str) -> None:
    with pytest.raises(DirectiveError) as caught:
        parse_directives(query)
    assert caught.value.name == name


@given(st.dictionaries(st.sampled_from(["_HLS_msn", "_HLS_part", "_HLS_skip"]), st.text(max_size=12)))
def test_any_query_is_read_or_refused_cleanly(query: dict[str, str]) -> None:
    try:
        parse_directives(query)
    except DirectiveError:
        return
