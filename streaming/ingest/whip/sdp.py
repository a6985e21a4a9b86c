"""SDP (RFC 8866) as far as offers, answers and trickled fragments (RFC 8840) need it: sections and their attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from streaming.ingest.whip.errors import BadRequest

MAX_LINES = 1_000
MAX_SECTIONS = 8


@dataclass(slots=True)
class Section:
    """The session's own lines, or a media description. `attributes` are name and value, "" for a flag.

    For the session `kind` is "" and the rest of its m= line empty.
    """

    kind: str = ""
    port: int = 0
    protocol: str = ""
    formats: tuple[str, ...] = ()
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def values(self, name: str) -> Iterator[str]:
        """Every value of an attribute, in order."""
        return (value for known, value in self.attributes if known == name)

    def value(self, name: str) -> str | None:
        """The first value of an attribute, None where there is none."""
        return next(self.values(name), None)

    def has(self, name: str) -> bool:
        return self.value(name) is not None


@dataclass(frozen=True, slots=True)
class Description:
    """`session` holds what precedes the first m= line."""

    session: Section
    media: tuple[Section, ...]

    def value(self, media: Section, name: str) -> str | None:
        """An attribute of a media description, or the session's if that one doesn't say."""
        found = media.value(name)
        return found if found is not None else self.session.value(name)


def parse(text: str) -> Description:
    """Read a session description, or a fragment of one. Raises BadRequest."""
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise BadRequest(f"The SDP has more than {MAX_LINES} lines.")
    sections = [Section()]
    for line in lines:
        if not line.strip():
            continue
        kind, equals, value = line.partition("=")
        if not equals or len(kind) != 1:
            raise BadRequest(f"This line is no SDP: {line[:80]!r}.")
        if kind == "m":
            sections.append(_media(value))
        elif kind == "a":
            name, _, what = value.partition(":")
            sections[-1].attributes.append((name.strip(), what.strip()))
    if len(sections) > MAX_SECTIONS + 1:
        raise BadRequest(f"The SDP has more than {MAX_SECTIONS} media descriptions.")
    return Description(sections[0], tuple(sections[1:]))


def _media(value: str) -> Section:
    words = value.split()
    # a port may be followed by a number of ports
    port = words[1].partition("/")[0] if len(words) > 3 else ""
    if not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise BadRequest(f"This is no media description: m={value[:80]!r}.")
    return Section(kind=words[0], port=int(port), protocol=words[2], formats=tuple(words[3:]))
