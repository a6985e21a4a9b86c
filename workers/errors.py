"""What can go wrong with an attempt at a segment.

AttemptError
+-- AttemptRefused      the bus takes nothing more from it: another attempt has its place, or its time is over
+-- SourceLost          the source can't be read (any more)
+-- EncoderFailed       ffmpeg failed, stalled, or put out what nobody fed
+-- Draining            this worker is being stopped
"""

from __future__ import annotations


class AttemptError(Exception):
    """An attempt that did not finish its segment; `broadcast` and `msn` say which."""

    def __init__(self, message: str, *, broadcast: str, msn: int) -> None:
        super().__init__(f"segment {msn} of {broadcast}: {message}")
        self.broadcast = broadcast
        self.msn = msn
        self.reason = message


class AttemptRefused(AttemptError):
    """The bus takes nothing more from it: another attempt has its place, or its time is over."""


class SourceLost(AttemptError):
    """The source can't be read, or not any more."""


class EncoderFailed(AttemptError):
    """ffmpeg failed, stalled, or put out what nobody fed."""


class Draining(AttemptError):
    """This worker is being stopped."""
