"""Chapters as WebVTT (5.5, chapter cues), which browsers and players read. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence

from vods.storyboard import format_time


def render_chapters(chapters: Sequence[tuple[int, str]], *, duration_ms: int) -> str:
    """The WebVTT of `(ms, title)` in order; each goes on to the next one, the last to the end."""
    lines = ["WEBVTT"]
    starts = [at_ms for at_ms, _ in chapters]
    for (at_ms, title), end_ms in zip(chapters, [*starts[1:], duration_ms], strict=False):
        # A cue's text is markup, and ends at an empty line.
        text = html.escape(" ".join(title.split()), quote=False)
        lines += ["", f"{format_time(at_ms)} --> {format_time(max(at_ms + 1, end_ms))}", text]
    return "\n".join(lines) + "\n"
