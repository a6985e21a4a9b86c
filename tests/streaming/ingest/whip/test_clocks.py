"""RTP's clocks on the session's timeline, and when a keyframe is due."""

from __future__ import annotations

import pytest

from streaming.ingest.whip.keyframes import ASK_AGAIN, KeyframePacer
from streaming.ingest.whip.timeline import NTP_SECOND, RtpTimeline
from streaming.media import AccessUnit

VIDEO, AUDIO = 90_000, 48_000
WRAP = 1 << 32


def begun(*, video: int = 5_000, audio: int = 7_000, later: float = 0.1) -> RtpTimeline:
    """Video at 0 s, audio `later`."""
    timeline = RtpTimeline()
    assert timeline.at("video", video, rate=VIDEO, now=10.0) == 0
    assert timeline.at("audio", audio, rate=AUDIO, now=10.0 + later) == round(later * AUDIO)
    return timeline


def test_tracks_lie_as_they_arrived_until_reports_came() -> None:
    timeline = begun()
    assert timeline.at("video", 5_000 + VIDEO, rate=VIDEO, now=99.0) == VIDEO
    assert timeline.at("audio", 7_000 + AUDIO, rate=AUDIO, now=99.0) == AUDIO + 4_800


def test_sender_reports_put_audio_beside_the_video() -> None:
    timeline = begun(later=0.1)
    assert timeline.report("video", 5_000, 1_000 * NTP_SECOND) == 0.0
    # the sound that came 0.1 s after the picture was captured 0.04 s after it
    moved = timeline.report("audio", 7_000, 1_000 * NTP_SECOND + NTP_SECOND * 4 // 100)
    assert moved == pytest.approx(-0.06, abs=1e-6)
    assert timeline.at("audio", 7_000, rate=AUDIO, now=99.0) == 1_920
    assert timeline.at("video", 5_000, rate=VIDEO, now=99.0) == 0


def test_what_nobody_hears_is_left_alone() -> None:
    timeline = begun(later=0.01)
    timeline.report("video", 5_000, NTP_SECOND)
    assert timeline.report("audio", 7_000, NTP_SECOND) == 0.0


def test_reports_that_contradict_the_arrival_are_not_believed() -> None:
    timeline = begun()
    timeline.report("video", 5_000, NTP_SECOND)
    assert timeline.report("audio", 7_000, 100 * NTP_SECOND) == 0.0


def test_a_report_that_is_off_moves_nothing_but_one_clock_that_runs_ahead_is_followed() -> None:
    timeline = begun(later=0.0)
    moved = []
    for second in range(200):
        late = 0.2 if second % 5 == 2 else 0.0  # and so is the picture after whose sending it was written
        moved.append(timeline.report("video", 5_000 + second * VIDEO, int((1_000 + second + late) * NTP_SECOND)))
        # the microphone's second is 0.2 ms short
        moved.append(timeline.report("audio", 7_000 + round(second * 1.0002 * AUDIO), (1_000 + second) * NTP_SECOND))
    assert max(map(abs, moved)) < 0.02
    lies = timeline.at("audio", 7_000 + round(200 * 1.0002 * AUDIO), rate=AUDIO, now=0.0) / AUDIO
    assert lies == pytest.approx(200, abs=0.02)


def test_clocks_wrap_at_32_bits_reports_too() -> None:
    timeline = begun(video=WRAP - 90, later=0.1)
    assert timeline.at("video", 0, rate=VIDEO, now=11.0) == 90
    timeline.report("video", WRAP - 90, NTP_SECOND)
    assert timeline.report("audio", 7_000, NTP_SECOND) == pytest.approx(-0.1, abs=1e-6)


def test_a_report_before_its_stream_says_nothing() -> None:
    assert RtpTimeline().report("audio", 1, NTP_SECOND) == 0.0


def picture(seconds: float, *, sync: bool = False) -> AccessUnit:
    ticks = round(seconds * VIDEO)
    return AccessUnit(ticks, ticks, b"\0", sync)


def test_a_keyframe_is_due_when_the_segment_is_long_enough() -> None:
    pacer = KeyframePacer()
    pacer.picture(picture(0, sync=True))
    pacer.picture(picture(1.9))
    assert not pacer.due(1.9, waiting=False)
    pacer.picture(picture(2.0))
    assert pacer.due(2.0, waiting=False)
    assert not pacer.due(2.1, waiting=False)
    assert pacer.due(2.0 + ASK_AGAIN, waiting=False)
    pacer.picture(picture(2.4, sync=True))
    assert not pacer.due(3.0, waiting=False)


def test_a_keyframe_in_between_puts_nothing_off() -> None:
    pacer = KeyframePacer()
    pacer.picture(picture(0, sync=True))
    pacer.picture(picture(1.2, sync=True))
    pacer.picture(picture(2.0))
    assert pacer.due(2.0, waiting=False)


def test_one_that_everything_waits_for_is_due_at_once() -> None:
    assert KeyframePacer().due(0.0, waiting=True)
    assert not KeyframePacer().due(0.0, waiting=False)
