from __future__ import annotations

import pytest

from streaming.cmaf.format import Format
from streaming.cmaf.outputs import InitSection
from streaming.ingest.describer import Describer
from streaming.media import AUDIO, SOURCE, AccessUnit, BroadcastState, Chunk, Closes, Codec, Rendition, Track

LIVE = BroadcastState.LIVE


def section(frame_rate: int = 30_000, *, width: int = 1280, height: int = 720, number: int = 0) -> InitSection:
    told = Format("avc1.64001f", width=width, height=height, frame_rate=frame_rate)
    return InitSection(SOURCE, number, b"", Track(Codec.H264, 90_000, b""), told)


def sound() -> InitSection:
    return InitSection(AUDIO, 0, b"", Track(Codec.AAC, 48_000, b""), Format("mp4a.40.2", sample_rate=48_000))


def chunk(msn: int, size: int, *, closes: Closes = Closes.NOTHING, duration: int = 90_000) -> Chunk:
    return Chunk(msn, 0, msn * 180_000, duration, 0, True, closes, 0, 0, bytes(size))


def source(describer: Describer, target_duration: int = 2) -> Rendition:
    return describer.description(LIVE, target_duration).renditions[0]


def test_renditions_come_in_their_order() -> None:
    describer = Describer("b")
    describer.section(sound())
    assert describer.leading == AUDIO
    describer.section(section())
    assert describer.leading == SOURCE
    description = describer.description(LIVE, 0)
    assert [rendition.name for rendition in description.renditions] == ["source", "480p", "360p", "160p", "audio"]
    assert (description.broadcast, description.state, description.target_duration) == ("b", LIVE, 0)


def test_bandwidth_is_the_peak_of_whole_segments_with_headroom() -> None:
    describer = Describer("b")
    describer.section(section())
    assert not describer.chunk(SOURCE, chunk(0, 100_000))
    assert describer.chunk(SOURCE, chunk(0, 100_000, closes=Closes.SEGMENT))
    assert source(describer).bandwidth == 880_000
    assert not describer.chunk(SOURCE, chunk(1, 210_000, closes=Closes.SEGMENT, duration=180_000))
    assert source(describer).bandwidth == 880_000
    assert describer.chunk(SOURCE, chunk(2, 300_000, closes=Closes.SEGMENT, duration=180_000))
    assert source(describer).bandwidth == 1_320_000


def test_a_segment_that_ended_unannounced_counts_when_the_next_begins() -> None:
    describer = Describer("b")
    describer.section(section())
    describer.chunk(SOURCE, chunk(0, 100_000))
    assert describer.chunk(SOURCE, chunk(1, 10))
    assert source(describer).bandwidth == 880_000


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
def test_a_frame_rate_the_codec_does_not_tell_is_measured(rate: int) -> None:
    describer = Describer("b")
    describer.section(section(frame_rate=0))
    for number in range(2 * rate + 1):
        dts = number * 1000 // rate * 90
        describer.frame(AccessUnit(dts, dts, b"", sync=False))
    assert abs(source(describer).frame_rate - 1000 * rate) <= 50 * rate // 24


def test_a_measured_frame_rate_stays() -> None:
    describer = Describer("b")
    describer.section(section(frame_rate=0))
    for number in range(31):
        describer.frame(AccessUnit(number * 3_000, 0, b"", sync=False))
    measured = source(describer).frame_rate
    describer.frame(AccessUnit(1_000_000, 0, b"", sync=False))
    assert source(describer).frame_rate == measured == 30_000


def test_another_format_is_described_as_it_is() -> None:
    describer = Describer("b")
    describer.section(section())
    describer.section(section(width=640, height=360, number=1))
    assert (source(describer).width, source(describer).height) == (640, 360)


def test_another_format_is_measured_anew() -> None:
    describer = Describer("b")
    describer.section(section(frame_rate=0))
    for number in range(61):
        describer.frame(AccessUnit(number * 1_500, 0, b"", sync=False))
    assert source(describer).frame_rate == 60_000
    describer.section(section(frame_rate=0, width=640, height=360, number=1))
    assert source(describer).frame_rate == 0
    for number in range(61, 100):
        describer.frame(AccessUnit(number * 3_000, 0, b"", sync=False))
    assert source(describer).frame_rate == 30_000
