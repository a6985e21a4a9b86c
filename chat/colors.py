"""Colours of names. Pure."""

from __future__ import annotations

import re
from zlib import crc32

NAMED = {
    "blue": "#1e5bd6",
    "coral": "#ff7f50",
    "gold": "#b8860b",
    "green": "#1d8a3a",
    "orange": "#e0631b",
    "pink": "#e0569b",
    "purple": "#8a4bd6",
    "red": "#d62f2f",
    "sea": "#20907c",
    "sky": "#1e90ff",
    "slate": "#5f6f80",
    "violet": "#b04fd0",
}
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def default(login: str) -> str:
    """The colour of somebody who chose none: always the same for a login."""
    return list(NAMED.values())[crc32(login.encode()) % len(NAMED)]


def parse(text: str) -> str | None:
    """`#rrggbb` of a name or of six hexadecimal digits, None for anything else."""
    if _HEX.fullmatch(text):
        return text.lower()
    return NAMED.get(text.lower())
