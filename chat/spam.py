"""How much a text looks like spam. Pure."""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import pairwise

HOLD_AT = 1.0
"""A text of this score or more waits for a moderator."""
_SHORT = 10
"""Shorter texts shout and repeat as people do."""


def score(text: str) -> float:
    """0 for harmless; HOLD_AT or more is held. Each sign counts by itself, two weak ones together suffice.

    Signs: repeated characters and words, capitals, stacked marks ("zalgo"), symbols.
    """
    marks = sum(1 for letter in text if unicodedata.combining(letter))
    total = 0.0
    if marks > 8 and marks > len(text) / 4:
        total += 1.0
    if len(text) < _SHORT:
        return total
    total += _repeats(text) + _capitals(text) + _symbols(text)
    return round(total, 3)


def _repeats(text: str) -> float:
    longest, run = 1, 1
    for left, right in pairwise(text):
        run = run + 1 if left == right else 1
        longest = max(longest, run)
    found = 0.6 if longest > 20 else 0.0
    words = text.casefold().split()
    if len(words) >= 12:
        most = Counter(words).most_common(1)[0][1]
        found += 0.6 if most / len(words) > 0.6 else 0.0
    return found


def _capitals(text: str) -> float:
    letters = [letter for letter in text if letter.isalpha() and letter.upper() != letter.lower()]
    if len(letters) < 25:
        return 0.0
    share = sum(1 for letter in letters if letter.isupper()) / len(letters)
    return 0.5 if share > 0.85 else 0.0


def _symbols(text: str) -> float:
    if len(text) < 40:
        return 0.0
    symbols = sum(1 for letter in text if unicodedata.category(letter)[0] in "SC")
    return 0.6 if symbols / len(text) > 0.6 else 0.0
