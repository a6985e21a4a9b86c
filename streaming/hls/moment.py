"""UTC moments as playlists write them (RFC 8216bis 4.4.4.6, ISO/IEC 8601)."""

from __future__ import annotations

_DAY_MS = 86_400_000
_ERA_DAYS = 146_097
"""Days of the 400 years after which the Gregorian calendar repeats."""
_EPOCH_FROM_MARCH_0000 = 719_468
"""Days from 1 March of year 0, where eras begin here, to 1 January 1970."""


def format_moment(wall_ms: int) -> str:
    """`2026-01-31T12:00:00.000Z` for ms since 1970: integers all the way, with no clock or zone in reach."""
    days, ms = divmod(wall_ms, _DAY_MS)
    era, day_of_era = divmod(days + _EPOCH_FROM_MARCH_0000, _ERA_DAYS)
    # Leap days come every 4 years, but not every 100, but every 400; years begin in March, so that they come last.
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // (_ERA_DAYS - 1)) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * march_month + 2) // 5 + 1
    month = march_month + 3 if march_month < 10 else march_month - 9
    year = year_of_era + era * 400 + (month <= 2)
    seconds, ms = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"
