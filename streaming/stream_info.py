"""Title and tags as people write them, brought into bounds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from streaming.errors import InvalidStreamInfo
from streaming.models import MAX_TAG, MAX_TAGS, MAX_TITLE

_UNSHOWN = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode general categories that no title needs: controls, surrogates, private use, unassigned, line breaks.

Format characters (Cf) stay: joiners make emoji and several scripts what they are.
"""
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Format characters that turn the direction of what follows, the page's own words included."""


def clean_title(title: str) -> str:
    """One line of text without control characters and doubled spaces.

    Raises:
        InvalidStreamInfo: it is longer than MAX_TITLE characters.
    """
    shown = "".join(" " if unicodedata.category(char) in _UNSHOWN else char for char in title if char not in _TURNS)
    line = " ".join(unicodedata.normalize("NFC", shown).split())
    if all(unicodedata.category(char) == "Cf" for char in line):
        return ""  # a headline that nobody can see
    if len(line) > MAX_TITLE:
        raise InvalidStreamInfo([f"The title has {len(line)} characters; {MAX_TITLE} are the limit."])
    return line


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags in the order given, without a leading `#`, each once whatever its case.

    Raises:
        InvalidStreamInfo: a tag is too long or not a word, or there are more than MAX_TAGS; it names every problem.
    """
    kept: dict[str, str] = {}
    problems: list[str] = []
    for raw in tags:
        tag = unicodedata.normalize("NFC", raw).strip().removeprefix("#")
        if not tag:
            continue
        if len(tag) > MAX_TAG:
            problems.append(f"The tag “{tag[:MAX_TAG]}…” is longer than {MAX_TAG} characters.")
        elif not all(map(_is_word, tag.split("-"))):
            problems.append(f"The tag “{tag}” may only have letters, digits, _, +, # and hyphens between them.")
        else:
            kept.setdefault(tag.casefold(), tag)
    if len(kept) > MAX_TAGS:
        problems.append(f"These are {len(kept)} tags; {MAX_TAGS} are the limit.")
    if problems:
        raise InvalidStreamInfo(problems)
    return list(kept.values())


def _is_word(text: str) -> bool:
    # Marks belong to words in many scripts; _, + and # make C++ and C#.
    return text != "" and all(char in "_+#" or unicodedata.category(char)[0] in "LMN" for char in text)
