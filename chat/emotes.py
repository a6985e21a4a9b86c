"""Emotes: the house's own set, and where names of emotes stand in a text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

GLOBAL = {
    name: f"g-{name.lower()}"
    for name in ("hrWave", "hrHeart", "hrDrop", "hrWheel", "hrLaugh", "hrGG", "hrFire", "hrEyes")
}
"""Name -> id of those every room has; their pictures are `static/chat/emotes/<id>.svg`."""

NAME_PATTERN = r"[a-z][a-z0-9]{2,19}[A-Z0-9][A-Za-z0-9]{0,19}"
"""A channel's emotes begin with small letters, so that no word of a text becomes one by accident."""

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class EmoteAt:
    """An emote in a text, from code point `start` up to and with `end`."""

    id: str
    name: str
    start: int
    end: int


def find(text: str, own: Mapping[str, str]) -> list[EmoteAt]:
    """The emotes of a text, in order. A word is one only as a whole."""
    found = []
    for word in _WORD.finditer(text):
        emote = own.get(word[0]) or GLOBAL.get(word[0])
        if emote:
            found.append(EmoteAt(emote, word[0], word.start(), word.end() - 1))
    return found


def only_emotes(text: str, emotes: list[EmoteAt]) -> bool:
    """Whether nothing but emotes is said."""
    return bool(emotes) and len(emotes) == len(_WORD.findall(text))
