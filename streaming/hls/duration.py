"""EXTINF and its like: decimal seconds out of ticks.

Durations are differences of times that were rounded once, counted from the timeline's zero: so their sums are as exact
as a single one, however long a broadcast lasts, and every process renders the same text.
"""

from __future__ import annotations

_MICRO = 1_000_000


def format_duration(start: int, end: int, timescale: int) -> str:
    """`2.000000` for the time from one tick to another."""
    micros = _micros(end, timescale) - _micros(start, timescale)
    return f"{micros // _MICRO}.{micros % _MICRO:06}"


def _micros(ticks: int, timescale: int) -> int:
    return (2 * ticks * _MICRO + timescale) // (2 * timescale)
