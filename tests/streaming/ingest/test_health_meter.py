from __future__ import annotations

from streaming.cmaf.format import Format
from streaming.cmaf.outputs import InitSection, Notice, NoticeKind
from streaming.ingest.health_meter import INTERVAL_ADVICE, NOTICE_SECONDS, OPEN_GOP_ADVICE, HealthMeter
from streaming.media import AUDIO, SOURCE, AccessUnit, Codec, Track


def picture(number: int, *, gop: int = 60, fps: int = 30, reorder: int = 0, size: int = 10_000) -> AccessUnit:
    dts = number * 90_000 // fps
    return AccessUnit(dts, dts + reorder, bytes(size), sync=number % gop == 0)


def configured() -> HealthMeter:
    meter = HealthMeter()
    video = Format("avc1.64001f", width=1280, height=720)
    meter.init_section(InitSection(SOURCE, 0, b"", Track(Codec.H264, 90_000, b""), video))
    return meter


def fed(meter: HealthMeter, *, seconds: int = 6, fps: int = 30, gop: int = 60, speed: float = 1.0) -> float:
    """Pictures as they arrive; `speed` is media time over time that passes. Answers when the last one came."""
    at = 0.0
    for number in range(seconds * fps):
        at = number / fps / speed
        meter.video(picture(number, gop=gop, fps=fps), at)
    return at


def test_rates_and_intervals_are_measured() -> None:
    meter = configured()
    report = meter.report(fed(meter))
    assert (report.frame_rate, report.keyframe_interval, report.video_codec) == (30.0, 2.0, "H.264")
    assert (report.width, report.height) == (1280, 720)
    assert abs(report.video_bitrate - 2_400_000) < 20_000
    assert report.warnings == ()


def test_audio_is_measured_in_its_own_ticks() -> None:
    meter = HealthMeter()
    meter.init_section(InitSection(AUDIO, 0, b"", Track(Codec.AAC, 48_000, b""), Format("mp4a.40.2")))
    for number in range(200):
        meter.audio(AccessUnit(number * 1024, number * 1024, bytes(341), sync=True), 48_000, number * 1024 / 48_000)
    report = meter.report(200 * 1024 / 48_000)
    assert abs(report.audio_bitrate - 127_875) < 500
    assert report.audio_codec == "AAC"


def test_long_keyframe_intervals_are_told() -> None:
    meter = configured()
    report = meter.report(fed(meter, seconds=12, gop=250))
    assert round(report.keyframe_interval, 1) == 8.3
    assert any("8.3 s" in warning for warning in report.warnings)


def test_a_slow_connection_comes_first() -> None:
    meter = configured()
    report = meter.report(fed(meter, seconds=12, gop=250, speed=0.7))
    assert report.warnings[0].startswith("Only 70 %")


def test_b_frames_are_told() -> None:
    meter = configured()
    meter.video(picture(0, reorder=6000), 0)
    assert any("B-frames" in warning for warning in meter.report(0.1).warnings)


def test_a_picture_that_stopped_is_told() -> None:
    meter = configured()
    at = fed(meter)
    report = meter.report(at + 6)
    assert (report.video_bitrate, report.frame_rate) == (0, 0.0)
    assert "No picture arrives." in report.warnings


def test_dropped_timestamps_are_counted_and_told_for_a_while() -> None:
    meter = configured()
    at = fed(meter)
    meter.notice(Notice(NoticeKind.TIMESTAMP_DROPPED, ""), at)
    assert "Timestamps ran backwards or jumped once since the encoder connected." in meter.report(at).warnings
    meter.jumped(at)
    report = meter.report(at)
    assert report.dropped_timestamps == 2
    assert any("jumped 2 times" in warning for warning in report.warnings)
    later = meter.report(at + NOTICE_SECONDS)
    assert later.dropped_timestamps == 2
    assert not any("jumped" in warning for warning in later.warnings)


def test_the_packagers_notices_are_told_for_a_while() -> None:
    meter = configured()
    at = fed(meter)
    meter.notice(Notice(NoticeKind.FORCED_CUT, "Cut without a keyframe."), at)
    assert f"Cut without a keyframe. {INTERVAL_ADVICE}" in meter.report(at).warnings
    assert not any("keyframe." in warning for warning in meter.report(at + NOTICE_SECONDS).warnings)


def test_open_gops_are_told_from_long_ones() -> None:
    meter = configured()
    at = fed(meter)
    meter.video(AccessUnit(int(at * 90_000), int(at * 90_000), b"\0", sync=False, recovery=True), at)
    meter.notice(Notice(NoticeKind.FORCED_CUT, "Cut without a keyframe."), at)
    assert f"Cut without a keyframe. {OPEN_GOP_ADVICE}" in meter.report(at).warnings
