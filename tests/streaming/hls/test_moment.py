from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streaming.hls.moment import format_moment


def test_the_epoch() -> None:
    assert format_moment(0) == "1970-01-01T00:00:00.000Z"


def test_a_leap_day() -> None:
    assert format_moment(951_782_399_999) == "2000-02-28T23:59:59.999Z"
    assert format_moment(951_782_400_000) == "2000-02-29T00:00:00.000Z"


@given(st.integers(0, 253_402_300_799_999))
def test_all_moments_up_to_year_9999(wall_ms: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall_ms)
    assert format_moment(wall_ms) == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
