"""Words and links that a room does not allow. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# A URL, or a name with a top-level domain in one case: `end.Start of a sentence`, `e.g.` and `3.14` are none.
_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?:[a-z]{2,24}|[A-Z]{2,24})(?=[/:?#\s]|$)"
)
# What is written between letters to hide a word from us.
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), 0x2060, 0xFEFF, 0x00AD, 0xE0000, *range(0xE0020, 0xE0080)])


def plain(text: str) -> str:
    """A text as it is compared: compatibility forms, accents and invisible characters gone, no case."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_INVISIBLE))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


def blocked(text: str, terms: Sequence[str]) -> bool:
    """Whether a text has one of the terms, as whole words; `*` in a term stands for any letters of one word."""
    return bool(terms) and _pattern(tuple(terms)).search(plain(text)) is not None


def has_link(text: str) -> bool:
    return _LINK.search(text) is not None


@lru_cache(maxsize=1024)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_term(plain(term)) for term in terms))


def _term(term: str) -> str:
    """A term's regular expression, which reads each run of a text's visible characters once, whatever the term.

    Between two stars the first place is as good as any later one: nothing that comes after it is tried again
    elsewhere (atomic groups), nor is a run entered a second time.
    """
    first, *rest = (re.escape(part) for part in re.split(r"\*+", term))
    if not rest:
        return rf"(?<!\w){first}(?!\w)"
    *middle, last = rest
    between = "".join(rf"(?>\S*?{part})" for part in middle)
    return rf"(?<!\S)(?>\S*?(?<!\w){first}){between}\S*{last}(?!\w)"
