"""The source's packager: video and audio access units in arrival order in, chunks of `source` and `audio` out.

It puts the incoming clocks on the broadcast's timeline, decides where segments are cut, and keeps both renditions cut
alike, so that the same MSN is the same time in each:

- A segment begins with an IDR: the first at or after SEGMENT_TARGET_MS. Its start is the IDR's presentation time, and
  decode times are shifted to it; with B-frames composition offsets then become negative, and no edit list is needed.
- Audio follows: its segment begins with the first frame at or after the cut. Without video, audio cuts by itself.
- TARGETDURATION is fixed when the first segment closes, and no segment outlasts it: without an IDR in time, the cut is
  forced. A track that falls silent gets gap chunks while the other goes on.

Nothing here reads a clock: wall time comes in with the first unit after each discontinuity.
"""

from __future__ import annotations

from dataclasses import replace

from streaming.media import AUDIO, SEGMENT_TARGET_MS, SOURCE, VIDEO_TIMESCALE, AccessUnit, Track

from .audio import AudioLane
from .audio_queue import AudioQueue
from .clock import TICKS_MS, SourceClock
from .cut import Cut
from .errors import PackagingError
from .lane import Lane
from .outputs import Notice, NoticeKind, Output
from .position import Position
from .target import Target

AUDIO_AHEAD_MS = 1_000
"""Audio waits for the video that decides on cuts, but no longer than this, and no more of it is kept."""
AUDIO_LATE_MS = 3_000
"""When audio is so far behind a cut, the cut is made without it, with a gap."""
NO_VIDEO_MS = 10_000
"""A video track without a single IDR in so much audio: the audio goes on alone."""
MAX_UNIT_BYTES = 16 * 1024 * 1024
"""The largest access unit taken, an RTMP message's bound."""


class SourcePackager:
    """Packs one publisher's tracks as a broadcast's `source` and `audio` renditions.

    `wall_ms` is the UTC time of the first access unit to come; `position` is where the broadcast stands if it goes
    on (a reconnect, or another ingest process taking over): the segments then go on under a new discontinuity.
    Access units carry the publisher's own clock, unwrapped but at any base, both tracks on the same.

    Kept in memory: one access unit and one chunk a track, and AUDIO_AHEAD_MS of audio.
    """

    def __init__(self, wall_ms: int, position: Position | None = None) -> None:
        self._position = position or Position()
        self._clock = SourceClock(wall_ms, self._position)
        self._msn = self._position.msn
        self._discontinuity = self._position.discontinuity
        self._target = Target(self._position.target_duration)
        self._missing: list[Output] = [*self._position.missing()]
        self._video: Lane | None = None
        self._audio: AudioLane | None = None
        self._segment: Cut | None = None
        self._by_audio = False
        self._shift = 0
        self._video_dts: int | None = None
        self._last_sync: int | None = None
        self._gop = 0
        self._forced = 0
        self._change = False
        self._queue = AudioQueue()

    @property
    def target_duration(self) -> int:
        """EXT-X-TARGETDURATION in seconds; 0 until the first segment has closed, then fixed."""
        return self._target.seconds

    @property
    def position(self) -> Position:
        """Where another packager would have to go on if this one stopped now, after its outputs were published."""
        end = self._end
        packed = self._segment is not None
        return Position(
            msn=self._msn + packed,
            discontinuity=self._discontinuity + packed,
            end_ms=-(-end // TICKS_MS),
            end_wall_ms=self._clock.wall_ms(end),
            target_duration=self._target.seconds,
            inits={**self._position.inits, **{lane.rendition: lane.next_init for lane in self._lanes}},
            timescales={**self._position.timescales, **{lane.rendition: lane.scale for lane in self._lanes}},
        )

    def set_track(self, track: Track) -> list[Output]:
        """Say what the access units from here on are coded with; call it whenever the publisher says so.

        Changed parameter sets take effect with the next IDR, which begins a segment with a new init section. Any
        other change makes that segment a discontinuity in both renditions. Raises `CodecError`.
        """
        lane: Lane | None = self._video if track.codec.is_video else self._audio
        if lane is not None:
            outputs: list[Output] = []
            if not track.codec.is_video and track != lane.track:
                # The frames that wait are timed by the old sampling rate.
                if self._segment is not None:
                    latest = self._segment.at + self._target.limit
                    outputs += self._release(latest - self._ticks(lane, lane.frame_duration))
                self._queue.clear()
            needs_discontinuity = lane.offer(track)
            if self._segment is None:
                lane.adopt()
            elif needs_discontinuity:
                self._change = True
                text = f"The {track.codec.name} format changed in mid-broadcast."
                outputs.append(Notice(NoticeKind.FORMAT_CHANGED, text))
            return outputs
        if track.codec.is_video:
            self._video = Lane(SOURCE, track, self._position.inits.get(SOURCE, 0), VIDEO_TIMESCALE)
        else:
            scale = self._position.timescales.get(AUDIO, track.timescale)
            self._audio = AudioLane(AUDIO, track, self._position.inits.get(AUDIO, 0), scale)
            self._target.audio_frame = self._audio.format.frame_samples * VIDEO_TIMESCALE / track.timescale
            if self._segment is not None:
                self._audio.cut(self._segment)
        return []

    def add_video(self, unit: AccessUnit) -> list[Output]:
        """Take the next video access unit, and hand out what became whole. Raises `PackagingError` without a track."""
        video = self._video
        if video is None or len(unit.data) > MAX_UNIT_BYTES:
            raise PackagingError(f"{len(unit.data)} bytes of video, track {video is not None}")
        if self._video_dts is not None and unit.dts <= self._video_dts:
            return [Notice(NoticeKind.TIMESTAMP_DROPPED, "A video frame's timestamp did not rise: frame dropped.")]
        self._video_dts = unit.dts
        if not unit.data:
            return []
        if self._segment is None or self._by_audio:
            outputs = self._begin_with_video(video, unit) if unit.sync else []
        else:
            outputs = self._go_on_with_video(video, self._segment, unit)
        if self._audio is not None and self._segment is not None and not self._by_audio:
            outputs += self._release(self._video_clock)
            outputs += self._audio.settle(self._video_clock - AUDIO_LATE_MS * TICKS_MS)
        return outputs

    def add_audio(self, unit: AccessUnit) -> list[Output]:
        """Take the next audio frame, and hand out what became whole. Raises `PackagingError` without a track."""
        audio = self._audio
        if audio is None or len(unit.data) > MAX_UNIT_BYTES:
            raise PackagingError(f"{len(unit.data)} bytes of audio, track {audio is not None}")
        if not unit.data or (audio.pending is not None and not self._by_audio):
            return []  # a changed format is undecodable until the discontinuity that tells of it
        self._queue.append(unit)
        if self._segment is None:
            return self._wait_for_video(audio)
        if self._by_audio:
            return self._release(None)
        if self._queue.is_longer_than(AUDIO_AHEAD_MS * audio.track.timescale // 1000):
            return self._go_on_without_video(audio, self._segment)
        return self._release(self._video_clock)

    def discontinuity(self, wall_ms: int) -> list[Output]:
        """The publisher's clock jumps here. `wall_ms` is the UTC time of the next unit to come.

        Ends the segment in both renditions alike. MSNs go on, and the timeline jumps forward by the time that passed.
        """
        outputs = self._interrupt()
        self._position = self.position
        self._clock = SourceClock(wall_ms, self._position)
        self._video_dts = None
        self._queue.clear()
        return outputs

    def end(self) -> list[Output]:
        """No more comes: hand out what is held. `position` then tells how the broadcast could go on."""
        return self._interrupt()

    @property
    def _lanes(self) -> list[Lane]:
        return [lane for lane in (self._video, self._audio) if lane is not None]

    @property
    def _end(self) -> int:
        return max(self._position.end_ms * TICKS_MS, *(self._ticks(lane, lane.end) for lane in self._lanes), 0)

    @staticmethod
    def _ticks(lane: Lane, time: int) -> int:
        """A time of a lane in 90 kHz ticks."""
        return time * VIDEO_TIMESCALE // lane.scale

    @property
    def _video_clock(self) -> int:
        """The time before which no cut can come any more: even a forced one is made at the held frame."""
        assert self._video is not None
        held = self._video.packager.held
        assert held is not None
        return held.dts - 1

    def _at(self, lane: Lane, unit: AccessUnit) -> int:
        """Where a unit is shown on the timeline, in 90 kHz ticks."""
        return self._clock.at(unit, (lane.pending or lane.track).timescale)

    def _resume_at(self, lane: Lane, unit: AccessUnit) -> int:
        """Where a unit lies with which to begin, or to go on after an interruption.

        If that is long past on the timeline, the publisher's clock has jumped unannounced: it is tied anew.
        """
        at = self._at(lane, unit)
        if at < self._end - AUDIO_AHEAD_MS * TICKS_MS:
            self._position = self.position
            self._clock = SourceClock(self._position.end_wall_ms, self._position)
            at = self._at(lane, unit)
        return at

    def _next_cut(self, at: int, *, independent: bool) -> Cut:
        self._segment = Cut(self._msn, at, self._discontinuity, independent, self._clock.anchor)
        if self._audio is not None:
            self._audio.cut(self._segment)
        return self._segment

    def _begin_with_video(self, video: Lane, unit: AccessUnit) -> list[Output]:
        """Open a segment with an IDR: the first of all, or the first after a discontinuity or a stall."""
        at = self._at(video, unit) if self._by_audio else self._resume_at(video, unit)
        at = max(at, self._ticks(video, video.end))
        outputs, self._missing = self._missing, []
        if self._segment is not None:  # audio went on alone
            if at <= self._segment.at:
                return []
            if at - self._segment.at > self._target.limit:
                outputs += self._interrupt()
            elif self._change:
                outputs += self._interrupt(at)
            else:
                outputs += self._leave_out(video, self._segment, at)
                self._close_segment(at)
            self._by_audio = False
        video.adopt()
        cut = self._next_cut(at, independent=True)
        self._shift = at - unit.dts - self._clock.offset
        self._last_sync = at
        return outputs + video.open(cut.opening(at, VIDEO_TIMESCALE)) + self._add_video(video, unit, at)

    def _go_on_with_video(self, video: Lane, segment: Cut, unit: AccessUnit) -> list[Output]:
        held = video.packager.held
        assert held is not None
        outputs: list[Output] = []
        at = unit.dts + self._clock.offset + self._shift
        shown = max(unit.pts + self._clock.offset, held.dts + 1) if unit.sync else at
        if shown - segment.at > self._target.limit:
            if held.dts == segment.at or shown - held.dts > self._target.limit:
                # One frame can't last that long: the publisher paused.
                outputs += [*self._interrupt(), Notice(NoticeKind.PAUSED, "The video paused for seconds.")]
                return outputs + (self._begin_with_video(video, unit) if unit.sync else [])
            outputs += self._force(video, segment)
        if unit.sync:
            self._gop = shown - (self._last_sync if self._last_sync is not None else shown)
            self._last_sync = shown
            if self._change:
                outputs += self._interrupt(shown)
                return outputs + self._begin_with_video(video, unit)
            if self._is_cut(video, shown):
                outputs += video.close(shown)
                self._close_segment(shown)
                video.adopt()
                outputs += video.open(self._next_cut(shown, independent=True).opening(shown, VIDEO_TIMESCALE))
                self._forced, self._shift = 0, shown - unit.dts - self._clock.offset
                at = shown
        return outputs + self._add_video(video, unit, at)

    def _add_video(self, video: Lane, unit: AccessUnit, at: int) -> list[Output]:
        return video.add(replace(unit, dts=at, pts=unit.pts + self._clock.offset))

    def _is_cut(self, video: Lane, at: int) -> bool:
        """Whether an IDR at this time begins a segment."""
        segment = self._segment
        assert segment is not None
        lasted = at - segment.at
        if not segment.independent or video.pending is not None or lasted >= SEGMENT_TARGET_MS * TICKS_MS:
            return True
        # A segment shorter than its target beats a forced cut: if this GOP is as long as the last, the next IDR
        # comes too late.
        return self._target.seconds > 0 and self._gop <= self._target.limit < lasted + self._gop

    def _force(self, video: Lane, segment: Cut) -> list[Output]:
        """Cut before the held frame, though it is no IDR: the next frame would outlast TARGETDURATION."""
        outputs, held = video.close_before_held()
        self._close_segment(held.dts, tells=False)
        self._forced += 1
        cut = self._next_cut(held.dts, independent=False)
        text = (
            f"No keyframe came in {(held.dts - segment.at) / VIDEO_TIMESCALE:.1f} s, so the picture had to be cut "
            "without one."
        )
        outputs.append(Notice(NoticeKind.FORCED_CUT, text, self._forced))
        return outputs + video.open(cut.opening(held.dts, VIDEO_TIMESCALE)) + video.add(held)

    def _close_segment(self, at: int, *, tells: bool = True) -> None:
        """Count on; `tells` says whether the segment's end tells how far IDRs are apart."""
        assert self._segment is not None
        # Audio that came too early for its video may have gone on past the cut.
        ends = [at, *(self._ticks(lane, lane.end - lane.frame_duration) for lane in self._lanes)]
        self._target.fix(max(ends) - self._segment.at, tells=tells)
        self._msn += 1

    def _interrupt(self, at: int | None = None) -> list[Output]:
        """End the segment in every rendition, `at` a time or when the media does; the next is a discontinuity."""
        segment, audio = self._segment, self._audio
        self._change = False
        if segment is None:
            return []
        outputs: list[Output] = []
        leading = self._video if self._video is not None and not self._by_audio else audio
        assert leading is not None
        if at is None:
            at = min(self._ticks(leading, leading.end), segment.at + self._target.limit)
        end = at
        if audio is not None:
            outputs += self._release(end - 1)
            outputs += audio.finish(end)
        if self._video is not None and self._video.has_begun:
            outputs += self._leave_out(self._video, segment, end) if self._by_audio else self._video.close(end)
        self._close_segment(end, tells=leading is audio or self._gop > 0)
        for lane in self._lanes:
            lane.adopt()
        self._discontinuity += 1
        self._segment = self._last_sync = None
        self._queue.reset()
        self._by_audio = False
        return outputs

    def _wait_for_video(self, audio: AudioLane) -> list[Output]:
        """Audio before the first IDR: keep the newest, and begin without video if none comes."""
        rate = audio.track.timescale
        if self._queue.waited * 1000 >= (AUDIO_AHEAD_MS if self._video is None else NO_VIDEO_MS) * rate:
            self._by_audio = True
            at = self._resume_at(audio, self._queue.oldest)
            self._next_cut(max(at, self._end), independent=True)
            outputs, self._missing = self._missing, []
            return outputs + self._release(None)
        while self._queue.is_longer_than(AUDIO_AHEAD_MS * rate // 1000):
            self._queue.pop()
        return []

    def _go_on_without_video(self, audio: AudioLane, segment: Cut) -> list[Output]:
        """Place the oldest frame though the video is late; when the segment gets too long by that, cut it here."""
        video = self._video
        assert video is not None
        at = self._at(audio, self._queue.oldest)
        frame = self._ticks(audio, audio.frame_duration)
        if at - segment.at + frame <= self._target.limit or at <= self._video_clock + 1:
            return self._release_one(audio)
        if at - self._ticks(audio, audio.end) > self._target.limit:
            return [*self._interrupt(), Notice(NoticeKind.PAUSED, "The audio jumped ahead by seconds.")]
        # The last picture stands until here; from here on the video is missing.
        at = max(min(at, segment.at + self._target.limit), self._video_clock + 2)
        outputs = [*video.close(at), Notice(NoticeKind.VIDEO_STALLED, "Video stopped while audio went on.")]
        self._close_segment(at)
        self._by_audio = True
        self._next_cut(at, independent=True)
        return outputs + self._release(None)

    def _release(self, until: int | None) -> list[Output]:
        """Place waiting audio up to a time in 90 kHz ticks, or all of it."""
        audio = self._audio
        outputs: list[Output] = []
        while audio is not None and self._queue:
            # Rounded times are a little before or after where the frame will be placed.
            if until is not None and max(self._at(audio, self._queue.oldest), self._ticks(audio, audio.end)) > until:
                break
            outputs += self._release_one(audio)
        return outputs

    def _release_one(self, audio: AudioLane) -> list[Output]:
        unit = self._queue.pop()
        at = self._at(audio, unit)
        segment = self._segment
        if segment is not None and at < segment.at and audio.packager.opened is None:
            return []  # before the picture
        outputs = self._cut_by_audio(segment, at) if segment is not None and self._by_audio else []
        pts = unit.pts * audio.scale // audio.track.timescale + self._clock.offset * audio.scale // VIDEO_TIMESCALE
        return outputs + audio.place(replace(unit, dts=pts, pts=pts))

    def _cut_by_audio(self, segment: Cut, at: int) -> list[Output]:
        """Cut before an audio frame where there is no video to follow."""
        outputs: list[Output] = []
        if at - segment.at > self._target.limit:
            outputs += [*self._interrupt(), Notice(NoticeKind.PAUSED, "The audio paused for seconds.")]
            self._by_audio = True
        elif self._change:
            outputs += self._interrupt(at)
            self._by_audio = True
        elif at - segment.at >= SEGMENT_TARGET_MS * TICKS_MS:
            if self._video is not None:
                outputs += self._leave_out(self._video, segment, at)
            self._close_segment(at)
        else:
            return []
        self._next_cut(at, independent=True)
        return outputs

    def _leave_out(self, video: Lane, segment: Cut, until: int) -> list[Output]:
        """A segment's worth of gap in the video."""
        if not video.has_begun:
            return []
        until = max(until, segment.at + 1)
        outputs = video.open(segment.opening(segment.at, VIDEO_TIMESCALE))
        return outputs + video.gap(until) + video.close(until)
