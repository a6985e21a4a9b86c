"""Audio that waits for the video which decides on cuts."""

from __future__ import annotations

from collections import deque

from streaming.media import AccessUnit

MAX_FRAMES = 1024
"""Frames that wait, however short they claim to be."""


class AudioQueue:
    """Frames in arrival order, on the publisher's clock, in ticks of their track."""

    def __init__(self) -> None:
        self._frames: deque[AccessUnit] = deque()
        self._since: int | None = None

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def oldest(self) -> AccessUnit:
        """The frame that waits longest."""
        return self._frames[0]

    @property
    def waited(self) -> int:
        """Ticks of audio that came since `reset`, whether or not it is still here."""
        return self._frames[-1].pts - self._since if self._since is not None else 0

    def reset(self) -> None:
        """Count `waited` anew from the next frame."""
        self._since = None

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()
        self._since = None

    def append(self, frame: AccessUnit) -> None:
        """Take the next frame."""
        if self._since is None or frame.pts < self._since:
            self._since = frame.pts
        self._frames.append(frame)

    def pop(self) -> AccessUnit:
        """Take the oldest frame out."""
        return self._frames.popleft()

    def is_longer_than(self, ticks: int) -> bool:
        """Whether more waits than this, or more frames than there may be; also if the clock fell back meanwhile."""
        lasts = self._frames[-1].pts - self._frames[0].pts
        return not 0 <= lasts <= ticks or len(self._frames) > MAX_FRAMES
