"""Segments of the ladder that viewers missed, in words for the streamer and the admin. Pure.

They lie on the bus (`bus.troubles`); the dispatcher's word for why is `poisoned` or `too late`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from streaming.bus.troubles import Trouble

RECENT_MS = 60_000
"""How long the streamer is told."""

_BLAME = {
    "poisoned": "Our encoder crashed on your picture twice",
    "too late": "Our servers did not keep up",
}


def warnings(troubles: Sequence[Trouble], *, now_ms: int) -> list[str]:
    """What the streamer should know of the last minute, a sentence for each reason."""
    recent = [each for each in troubles if now_ms - each.at_ms < RECENT_MS]
    sentences = []
    for why, blame in _BLAME.items():
        struck = [each for each in recent if each.why == why]
        if struck:
            names = _listed(sorted({each.rendition for each in struck}, key=_lines, reverse=True))
            moments = len({each.msn for each in struck})
            missed = "a moment" if moments == 1 else f"{moments} moments"
            sentences.append(f"{blame}: viewers of {names} missed {missed}. Source went on.")
    return sentences


def line(trouble: Trouble) -> str:
    """One trouble, for the admin."""
    at = datetime.fromtimestamp(trouble.at_ms / 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC: segment {trouble.msn} of {trouble.rendition}, {trouble.why}"


def _lines(rendition: str) -> tuple[int, str]:
    lines, _, _ = rendition.partition("p")
    return (int(lines) if lines.isdecimal() else 0, rendition)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
