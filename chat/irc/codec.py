"""Lines of IRC (RFC 1459 and the IRCv3 message-tags specification). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_LINE = 4_096
_ESCAPES = {";": "\\:", " ": "\\s", "\\": "\\\\", "\r": "\\r", "\n": "\\n"}
_UNESCAPES = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}


@dataclass(frozen=True, slots=True)
class Line:
    """One message: `@tags :prefix COMMAND params :trailing`. The last parameter may have blanks."""

    command: str
    params: tuple[str, ...] = ()
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> Line | None:
    """A line without its end, or None for an empty or malformed one."""
    rest = text.rstrip("\r\n")
    if len(rest) > MAX_LINE:
        return None
    tags: dict[str, str] = {}
    prefix = ""
    if rest.startswith("@"):
        packed, _, rest = rest[1:].partition(" ")
        for pair in packed.split(";"):
            name, _, value = pair.partition("=")
            tags[name] = unescape(value)
    rest = rest.lstrip(" ")
    if rest.startswith(":"):
        prefix, _, rest = rest[1:].partition(" ")
    head, colon, trailing = rest.lstrip(" ").partition(" :")
    words = head.split()
    if not words or not words[0].isalnum():
        return None
    params = (*words[1:], trailing) if colon else tuple(words[1:])
    return Line(words[0].upper(), params, prefix, tags)


def render(line: Line) -> str:
    """The line again, without its end. The last parameter always gets its colon, as Twitch writes it."""
    parts = []
    if line.tags:
        parts.append("@" + ";".join(f"{name}={escape(value)}" for name, value in line.tags.items()))
    if line.prefix:
        parts.append(f":{line.prefix}")
    parts.append(line.command)
    parts += [_flat(param) for param in line.params[:-1]]
    if line.params:
        last = _flat(line.params[-1])
        parts.append(f":{last}" if not last or " " in last or last.startswith(":") or len(line.params) > 1 else last)
    return " ".join(parts)


def escape(value: str) -> str:
    """A tag's value as it is written."""
    return "".join(_ESCAPES.get(letter, letter) for letter in value)


def unescape(value: str) -> str:
    """A tag's value as it is meant; a lone backslash at the end is dropped."""
    out, letters = [], iter(value)
    for letter in letters:
        if letter == "\\":
            escaped = next(letters, "")
            out.append(_UNESCAPES.get(escaped, escaped))
        else:
            out.append(letter)
    return "".join(out)


def _flat(param: str) -> str:
    """A parameter that can't end its line."""
    return param.replace("\r", " ").replace("\n", " ").replace("\0", "")
