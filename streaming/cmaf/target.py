"""EXT-X-TARGETDURATION: fixed when a broadcast's first segment closes, and a bound for all segments after it."""

from __future__ import annotations

from .clock import TICKS_MS

SHORT, LONG = 2, 10
"""The two there are, in seconds."""
ROUNDING_MS = 490
"""EXTINF is compared after rounding to seconds (RFC 8216bis 4.4.3.1); 10 ms stay in reserve."""
_AUDIO_ROUNDING_MS = 499


class Target:
    """`seconds` is 0 until it is fixed. Times are in 90 kHz ticks."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.audio_frame = 0.0
        """How long an audio frame lasts, 0 without audio. Audio is cut between frames, so its segments may be longer
        than the video's, but only by the rest of a frame."""

    @property
    def limit(self) -> int:
        """The longest a segment may be made."""
        return self._longest(self.seconds or LONG)

    def fix(self, lasted: int, *, tells: bool) -> None:
        """Choose, after the first segment: the longer one, always legal, unless its end tells that GOPs are short."""
        if not self.seconds:
            self.seconds = SHORT if tells and lasted <= self._longest(SHORT) else LONG

    def _longest(self, seconds: int) -> int:
        longest = (seconds * 1000 + ROUNDING_MS) * TICKS_MS
        if not self.audio_frame:
            return longest
        frames = (seconds * 1000 + _AUDIO_ROUNDING_MS) * TICKS_MS // self.audio_frame
        return min(longest, int(frames * self.audio_frame))
