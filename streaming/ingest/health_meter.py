"""How the encoder's media arrives, measured: what makes the dashboard's health report. Pure; time is handed in."""

from __future__ import annotations

from collections import deque

from streaming.cmaf.outputs import InitSection, Notice, NoticeKind
from streaming.health import Health
from streaming.media import SEGMENT_TARGET_MS, VIDEO_TIMESCALE, AccessUnit, Codec

WINDOW = 5.0
"""Seconds over which rates are means."""
MAX_UNITS = 2_000
"""Access units of one track that a window remembers."""
NOTICE_SECONDS = 30.0
"""How long a warning stays after its cause."""
SLOW = 0.9
"""Less media than this share of the time that passed means that the connection can't keep up."""
NO_IDR_SECONDS = 60.0
"""How long a keyframe that is no IDR is remembered."""
LONGEST_KEYFRAME_INTERVAL = (SEGMENT_TARGET_MS + 490) / 1000
"""Seconds; above that segments are longer than their target and viewers join later."""
INTERVAL_ADVICE = "Set the encoder's keyframe interval to 2 s."
OPEN_GOP_ADVICE = "Its keyframes are no IDR pictures: switch off open GOPs in the encoder (x264, x265: open-gop=0)."
CODEC_NAMES = {Codec.H264: "H.264", Codec.HEVC: "HEVC", Codec.AV1: "AV1", Codec.AAC: "AAC"}


class _Flow:
    """One track's access units of the last seconds: arrival time, dts in seconds, bytes."""

    def __init__(self) -> None:
        self._units: deque[tuple[float, float, int]] = deque(maxlen=MAX_UNITS)

    def add(self, at: float, dts: float, size: int) -> None:
        if self._units and dts < self._units[-1][1]:
            self._units.clear()
        self._units.append((at, dts, size))
        while self._units[0][0] < at - WINDOW:
            self._units.popleft()

    def forget(self, now: float) -> None:
        if self._units and self._units[-1][0] < now - WINDOW:
            self._units.clear()

    @property
    def media_seconds(self) -> float:
        return self._units[-1][1] - self._units[0][1] if self._units else 0.0

    @property
    def seconds(self) -> float:
        return self._units[-1][0] - self._units[0][0] if self._units else 0.0

    @property
    def bitrate(self) -> int:
        """bit/s of media time: the first unit's bytes stand for the time before it."""
        if self.media_seconds <= 0:
            return 0
        return int(8 * sum(size for _, _, size in list(self._units)[1:]) / self.media_seconds)

    @property
    def rate(self) -> float:
        """Units a second of media time."""
        return (len(self._units) - 1) / self.media_seconds if self.media_seconds > 0 else 0.0


class HealthMeter:
    """Takes what arrives and gives a report at any time. Times in monotonic seconds."""

    def __init__(self) -> None:
        self._video = _Flow()
        self._audio = _Flow()
        self._formats: dict[bool, InitSection] = {}
        self._last_sync: float | None = None
        self._keyframe_interval = 0.0
        self._reordered = False
        self._last_recovery = float("-inf")
        self._dropped = 0
        self._last_drop = float("-inf")
        self._notices: dict[NoticeKind, tuple[float, str]] = {}

    def video(self, unit: AccessUnit, at: float) -> None:
        """A video access unit arrived."""
        dts = unit.dts / VIDEO_TIMESCALE
        self._video.add(at, dts, len(unit.data))
        self._reordered |= unit.pts != unit.dts
        if unit.recovery:
            self._last_recovery = at
        if unit.sync:
            if self._last_sync is not None and dts > self._last_sync:
                self._keyframe_interval = dts - self._last_sync
            self._last_sync = dts

    def audio(self, unit: AccessUnit, timescale: int, at: float) -> None:
        """An audio frame arrived."""
        self._audio.add(at, unit.dts / timescale, len(unit.data))

    def init_section(self, section: InitSection) -> None:
        """The packager began to use a configuration."""
        self._formats[section.track.codec.is_video] = section

    def dropped(self, at: float) -> None:
        """A unit's timestamp could not be kept."""
        self._dropped += 1
        self._last_drop = at

    def jumped(self, at: float) -> None:
        """The publisher's clock jumped."""
        self.dropped(at)
        self._last_sync = None

    def notice(self, notice: Notice, at: float) -> None:
        """The packager has something to say."""
        if notice.kind is NoticeKind.TIMESTAMP_DROPPED:
            self.dropped(at)
        else:
            self._notices[notice.kind] = (at, notice.text)

    def keyframe_advice(self, now: float) -> str:
        """What to change about keyframes that don't come often enough."""
        return OPEN_GOP_ADVICE if now - self._last_recovery < NO_IDR_SECONDS else INTERVAL_ADVICE

    def report(self, now: float) -> Health:
        """The state of things at `now`."""
        self._video.forget(now)
        self._audio.forget(now)
        video, audio = self._formats.get(True), self._formats.get(False)
        return Health(
            video_bitrate=self._video.bitrate,
            audio_bitrate=self._audio.bitrate,
            frame_rate=round(self._video.rate, 2),
            keyframe_interval=round(self._keyframe_interval, 2),
            width=video.format.width if video else 0,
            height=video.format.height if video else 0,
            video_codec=CODEC_NAMES[video.track.codec] if video else "",
            audio_codec=CODEC_NAMES[audio.track.codec] if audio else "",
            dropped_timestamps=self._dropped,
            warnings=tuple(self._warnings(now)),
        )

    def _warnings(self, now: float) -> list[str]:
        """Sentences, most urgent first."""
        warnings = []
        fuller = self._video if self._video.seconds >= self._audio.seconds else self._audio
        if fuller.seconds > WINDOW / 2 and fuller.media_seconds < SLOW * fuller.seconds:
            share = int(100 * fuller.media_seconds / fuller.seconds)
            warnings.append(
                f"Only {share} % of your broadcast arrives in time: the connection is too slow, or the encoder "
                "is overloaded. Lower its bitrate."
            )
        for kind in NoticeKind:
            at, text = self._notices.get(kind, (float("-inf"), ""))
            if now - at < NOTICE_SECONDS:
                advice = f" {self.keyframe_advice(now)}" if kind is NoticeKind.FORCED_CUT else ""
                warnings.append(text + advice)
        if True in self._formats and not self._video.media_seconds:
            warnings.append("No picture arrives.")
        if False in self._formats and not self._audio.media_seconds:
            warnings.append("No sound arrives.")
        if now - self._last_drop < NOTICE_SECONDS:
            often = "once" if self._dropped == 1 else f"{self._dropped} times"
            warnings.append(f"Timestamps ran backwards or jumped {often} since the encoder connected.")
        if self._keyframe_interval > LONGEST_KEYFRAME_INTERVAL:
            warnings.append(
                f"Keyframes come every {self._keyframe_interval:.1f} s. {INTERVAL_ADVICE} "
                "Viewers then join and switch quality sooner."
            )
        if self._reordered:
            warnings.append("The encoder uses B-frames, which add about 0.1 s of delay.")
        return warnings
