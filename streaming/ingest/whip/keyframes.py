"""When to ask the encoder for a keyframe: segments are cut at the first one after 2 s, and begin with one. Pure."""

from __future__ import annotations

from streaming.media import SEGMENT_TARGET_MS, VIDEO_TIMESCALE, AccessUnit

TARGET = SEGMENT_TARGET_MS * VIDEO_TIMESCALE // 1000
ASK_AGAIN = 0.35
"""Seconds until a request is repeated; browsers answer at most one in 0.3 s."""


class KeyframePacer:
    """Follows the pictures, and says when a request (PLI, RFC 4585 6.3.1) is due.

    A segment's time runs from the keyframe that began it, as in the packager: one in between, which the encoder put
    at a change of scene, doesn't put the next cut off.
    """

    def __init__(self) -> None:
        self._cut: int | None = None
        self._newest = 0
        self._asked = float("-inf")

    def picture(self, unit: AccessUnit) -> None:
        """A picture was handed on."""
        self._newest = unit.dts
        if unit.sync and (self._cut is None or unit.dts - self._cut >= TARGET):
            self._cut = unit.dts

    def due(self, now: float, *, waiting: bool) -> bool:
        """Whether to ask now; `waiting` is for a keyframe without which nothing can be shown. Counts as asked."""
        if now - self._asked < ASK_AGAIN:
            return False
        if not waiting and (self._cut is None or self._newest - self._cut < TARGET):
            return False
        self._asked = now
        return True
