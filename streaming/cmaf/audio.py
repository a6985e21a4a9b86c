"""The audio lane: frames on a sample-exact timeline, cut where the video is."""

from __future__ import annotations

from collections import deque

from streaming.media import PART_TARGET_MS, VIDEO_TIMESCALE, AccessUnit, Track

from .cut import Cut
from .lane import Lane
from .outputs import Notice, NoticeKind, Output


class AudioLane(Lane):
    """Frames follow each other to the sample: timestamps in whole milliseconds are only rounded, so they are heeded
    when they are off by more than a frame. Cuts wait here until the first frame at or after each has come.
    """

    def __init__(self, rendition: str, track: Track, init: int, scale: int) -> None:
        super().__init__(rendition, track, init, scale)
        self._cuts: deque[Cut] = deque()
        self._run_start = 0
        self._run_frames = 0

    @property
    def end(self) -> int:
        """Where the frames so far end. Counted from the last hole on, so that no rounding adds up."""
        if self.packager.held is None:
            return super().end
        samples = self._run_frames * self.format.frame_samples
        return self._run_start + round(samples * self.scale / self.track.timescale)

    def cut(self, cut: Cut) -> None:
        """Announce where a segment begins. `settle` keeps these few."""
        self._cuts.append(cut)

    def place(self, unit: AccessUnit) -> list[Output]:
        """Take a frame whose times are on the broadcast's timeline."""
        outputs: list[Output] = []
        at, end = unit.pts, self.end
        if self.packager.held is None:
            self._run_frames = 0
        if self.packager.opened is None:
            at = max(at, end)  # the frame before a discontinuity may reach past it
        else:
            ahead = at - end
            if ahead < -self.frame_duration:
                return [Notice(NoticeKind.TIMESTAMP_DROPPED, "Audio came with a timestamp that was already past.")]
            if ahead <= self.frame_duration:
                at = end
            elif ahead * 1000 > PART_TARGET_MS * self.scale:
                outputs += self._bridge(at)
        outputs += self._follow(at)
        if self.packager.opened is None:
            return outputs  # before the broadcast's first cut
        if at != end or not self._run_frames:
            self._run_start, self._run_frames = at, 0
        self._run_frames += 1
        return outputs + self.add(AccessUnit(at, at, unit.data, sync=True))

    def settle(self, now: int) -> list[Output]:
        """Make the cuts up to `now` (90 kHz ticks) without waiting for audio any longer, with gaps.

        A track that is announced but silent from the start is no rendition: of gaps alone, players would wait for it.
        """
        outputs: list[Output] = []
        while not self.has_begun and len(self._cuts) > 1:
            self._cuts.popleft()
        if not self.has_begun:
            return outputs
        while self._cuts and self._cuts[0].at <= now:
            cut = self._cuts.popleft()
            at = max(cut.ticks(self.scale), self.end)
            if self.packager.opened is not None:
                outputs += self.gap(at) + self.close(at)
            outputs += self.open(cut.opening(at, self.scale))
        return outputs

    def finish(self, end: int) -> list[Output]:
        """End the segment before a discontinuity, where the audio itself ends or, if none came, at `end` (90 kHz)."""
        outputs = self.settle(end - 1)
        self._cuts.clear()
        opened = self.packager.opened
        if opened is None:
            return outputs
        if self.end == opened.dts:
            outputs += self.gap(max(end * self.scale // VIDEO_TIMESCALE, self.end + self.frame_duration))
        return outputs + self.close(self.end)

    def _bridge(self, at: int) -> list[Output]:
        """Say that the time from the last frame to `at` is missing, segment by segment."""
        scale = self.scale
        outputs: list[Output] = []
        while self._cuts and self.end < self._cuts[0].ticks(scale) <= at:
            outputs += self.settle(self._cuts[0].at)
        return outputs + self.gap(at)

    def _follow(self, at: int) -> list[Output]:
        """Open the next segment if `at` lies in it: one segment a frame, so that each has one at least.

        Only a rendition that begins now may begin with a later segment than the first that waits.
        """
        scale = self.scale
        if not self._cuts or at < self._cuts[0].ticks(scale):
            return []
        if not self.has_begun:
            while len(self._cuts) > 1 and at >= self._cuts[1].ticks(scale):
                self._cuts.popleft()
        cut = self._cuts.popleft()
        outputs = self.close(at) if self.packager.opened is not None else []
        return outputs + self.open(cut.opening(at, scale))
