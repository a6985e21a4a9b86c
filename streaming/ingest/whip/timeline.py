"""RTP clocks on one timeline: both tracks count from the session's first packet. Pure; arrival times are handed in.

Each RTP stream has a clock of its own. Until sender reports came for both, tracks lie as they arrived; from then on
audio lies where its sender's wall clock puts it beside the video (RFC 3550 6.4.1), which never moves. A sender that is
late with a packet may be wrong in the report that it writes then, so the median of the last reports counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median_low

TOLERANCE = 0.015
"""Seconds that audio may be off before it is moved: less is neither seen nor heard (ITU-R BT.1359)."""
CREDIBLE = 2.0
"""A report that contradicts the arrival by more than this is wrong: nobody's path differs so much between tracks."""
REPORTS = 9
"""So many reports have a say. One that is off spoils its own and the next of the other track."""
NTP_SECOND = 1 << 32


@dataclass(slots=True)
class _Stream:
    rate: int
    newest: int
    """RTP time, unwrapped."""
    origin: int
    """The RTP time that lies at the timeline's start, unwrapped; may be before the stream's first."""
    report: tuple[int, int] | None = None
    """RTP time, unwrapped, and NTP time in 2^-32 s of the same moment."""


class RtpTimeline:
    """Maps RTP times of "video" and "audio" to ticks of their clock rates since the session's first packet."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._began: float | None = None
        self._origins: deque[int] = deque(maxlen=REPORTS)
        """Where the last reports put the audio's origin."""

    def at(self, kind: str, rtp: int, *, rate: int, now: float) -> int:
        """Where a packet's 32-bit RTP time lies; `now` is its arrival in seconds."""
        stream = self._streams.get(kind)
        if stream is None:
            if self._began is None:
                self._began = now
            origin = rtp - round((now - self._began) * rate)
            stream = self._streams[kind] = _Stream(rate, rtp, origin)
        unwrapped = _unwrap(rtp, stream.newest)
        stream.newest = max(stream.newest, unwrapped)
        return unwrapped - stream.origin

    def report(self, kind: str, rtp: int, ntp: int) -> float:
        """Take a sender report: RTP and NTP time of one moment. How far audio is moved by it, in seconds."""
        stream = self._streams.get(kind)
        if stream is None:
            return 0.0  # of a stream of which nothing came yet
        stream.report = _unwrap(rtp, stream.newest), ntp
        video, audio = self._streams.get("video"), self._streams.get("audio")
        if video is None or audio is None or video.report is None or audio.report is None:
            return 0.0
        (video_rtp, video_ntp), (audio_rtp, audio_ntp) = video.report, audio.report
        lies = (audio_rtp - audio.origin) / audio.rate
        belongs = (video_rtp - video.origin) / video.rate + (audio_ntp - video_ntp) / NTP_SECOND
        if abs(belongs - lies) >= CREDIBLE:
            return 0.0
        self._origins.append(audio.origin - round((belongs - lies) * audio.rate))
        origin = median_low(self._origins)
        moved = (audio.origin - origin) / audio.rate
        if abs(moved) <= TOLERANCE:
            return 0.0
        audio.origin = origin
        return moved


def _unwrap(rtp: int, newest: int) -> int:
    """The unwrapped time nearest to the newest (RFC 3550 5.1: 32 bits)."""
    return newest + (rtp - newest + 0x80000000) % 0x100000000 - 0x80000000
