"""Moments of a video as people type them. Pure."""

from __future__ import annotations

import re

_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,5}):(\d{1,2})(?:\.(\d{1,3}))?")
_LETTERS = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})(?:\.(\d{1,3}))?s?)?")


def parse_moment(text: str) -> int:
    """Milliseconds of `1:02:03.5`, `2:03`, `1h2m3s`, `90`. Raises ValueError."""
    text = text.strip()
    found = _CLOCK.fullmatch(text) or (_LETTERS.fullmatch(text) if text else None)
    if found is None:
        raise ValueError(f"“{text}” is no time. Write it as 1:02:03.")
    hours, minutes, seconds, fraction = (part or "0" for part in found.groups())
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))


def format_moment(ms: int) -> str:
    """`4:05` or `1:04:05` of milliseconds."""
    seconds = ms // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def exact_moment(ms: int) -> str:
    """The same to the millisecond, as `4:05.250`, where it isn't a whole second."""
    return format_moment(ms) + (f".{ms % 1000:03}" if ms % 1000 else "")


def parse_chapters(text: str) -> list[tuple[int, str]]:
    """`(ms, title)` of lines such as `1:02:03 The boss`; empty lines are left out. Raises ValueError."""
    chapters = []
    for line in text.splitlines():
        moment, _, title = line.strip().partition(" ")
        if moment:
            chapters.append((parse_moment(moment), title.strip(" -")))
    return sorted(chapters)
