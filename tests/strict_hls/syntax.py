"""Lines, tags and attribute lists (RFC 8216bis 4.1, 4.2), and the error of whoever breaks a rule."""

from __future__ import annotations

import re

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(,|$)')


class RuleBrokenError(AssertionError):
    """A playlist breaks a rule; the message names it."""


def must(condition: object, rule: str) -> None:
    if not condition:
        raise RuleBrokenError(rule)


def lines_of(text: str) -> list[str]:
    must(text.endswith("\n") and "\r" not in text and "\ufeff" not in text, "lines end with LF, no BOM")
    lines = text[:-1].split("\n")
    must(
        all(line and line == line.strip() and line.isprintable() for line in lines),
        "no blank line or control character",
    )
    return lines


def name_of(line: str) -> str:
    return line.split(":", 1)[0] if line.startswith("#") else line


def value_of(line: str) -> str:
    return line.partition(":")[2] if line.startswith("#") else ""


def attributes_of(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    for match in _ATTRIBUTE.finditer(value):
        must(match.start() == position, f"attribute list {value}")
        must(match[1] not in found, f"attribute {match[1]} twice")
        found[match[1]] = match[2]
        position = match.end()
    must(position == len(value) and not value.endswith(","), f"attribute list {value}")
    return found


def unquote(value: str) -> str:
    must(len(value) > 2 and value[0] == value[-1] == '"', f"{value} is a quoted string")
    return value[1:-1]
