"""Pictures for the seek bar: sheets of small ones, and the WebVTT that says which is where. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Storyboard:
    """A picture each `every_ms`, `width` by `height` pixels, `columns` by `rows` on a sheet, `count` in all."""

    every_ms: int
    width: int
    height: int
    columns: int
    rows: int
    count: int

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Storyboard:
        """As `facts` of the asset tells of it."""
        return cls(**{name: facts[name] for name in cls.__slots__})


def render_vtt(board: Storyboard, *, duration_ms: int, sheet_uri: Callable[[int], str]) -> str:
    """The WebVTT that players take for thumbnails: each cue a part of a sheet, as Media Fragments 4.2.2 names it."""
    lines = ["WEBVTT"]
    a_sheet = board.columns * board.rows
    for index in range(board.count):
        sheet, place = divmod(index, a_sheet)
        row, column = divmod(place, board.columns)
        start = index * board.every_ms
        end = max(start + 1, min(start + board.every_ms, duration_ms))
        box = f"{column * board.width},{row * board.height},{board.width},{board.height}"
        lines += ["", f"{format_time(start)} --> {format_time(end)}", f"{sheet_uri(sheet)}#xywh={box}"]
    return "\n".join(lines) + "\n"


def format_time(ms: int) -> str:
    """`hh:mm:ss.ttt` of WebVTT 4.1."""
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
