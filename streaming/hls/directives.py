"""Delivery directives: what a player asks of a media playlist in its query (RFC 8216bis 6.2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import DirectiveError

_MAX_DIGITS = 10
"""A broadcast of years has an MSN of nine digits; longer numbers are refused unread."""


@dataclass(frozen=True, slots=True)
class Directives:
    """`msn` and `part` say what the playlist must contain before it is answered; `skip` asks for a delta update."""

    msn: int | None = None
    part: int | None = None
    skip: bool = False


def parse_directives(query: Mapping[str, str]) -> Directives:
    """The directives in a query's parameters; others are not looked at. Raises `DirectiveError`."""
    msn = _number(query, "_HLS_msn")
    part = _number(query, "_HLS_part")
    if part is not None and msn is None:
        # RFC 8216bis 6.2.5.2: _HLS_part without _HLS_msn is a 400.
        raise DirectiveError("_HLS_part", "needs _HLS_msn beside it")
    skip = query.get("_HLS_skip")
    # v2 asks to skip date ranges too, of which there are none here: it is answered like YES (6.2.5.1).
    if skip not in (None, "YES", "v2"):
        raise DirectiveError("_HLS_skip", "must be YES or v2")
    return Directives(msn, part, skip is not None)


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise DirectiveError(name, "must be a decimal integer")
    return int(text)
