"""What can go wrong with ffmpeg.

FfmpegError             ffmpeg failed; carries its argv, return code and last words
+-- FfmpegTimeout       it had not finished by its deadline, and was killed
+-- FfmpegGone          it ended while it was still being fed or read
"""

from __future__ import annotations

from collections.abc import Sequence


class FfmpegError(Exception):
    """ffmpeg failed. `returncode` is negative for a signal, None while it still runs; `stderr_tail` its last words."""

    def __init__(self, argv: Sequence[str], returncode: int | None, stderr_tail: str) -> None:
        last_line = stderr_tail.strip().rpartition("\n")[2]
        super().__init__(f"ffmpeg returned {returncode}: {last_line or 'it said nothing'}")
        self.argv = tuple(argv)
        self.returncode = returncode
        self.stderr_tail = stderr_tail


class FfmpegTimeout(FfmpegError):
    """It had not finished by its deadline, and was killed."""


class FfmpegGone(FfmpegError):
    """It ended while it was still being fed or read."""
