"""Clips as encoders send them, faster than real time: packaged, listed, strictly read, decoded."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.outputs import NoticeKind
from streaming.cmaf.packager import SourcePackager
from streaming.media import AUDIO, SOURCE
from tests.streaming.cmaf.clips import AAC, FFMPEG, Clip, audio_input, make, video_input, x264
from tests.streaming.packed import WALL_MS, Packed, check_media, feed, pack

FRAMES = {"24": 9, "25": 10, "30000/1001": 11, "30": 12, "50": 20, "60": 24}
"""Frame rates, and how many frames a part of 0.4 s holds."""


def starts(packed: Packed, name: str) -> list[float]:
    scale = packed.timelines[name].timescale
    return [chunks[0].dts / scale for chunks in packed.segments(name).values()]


def part_lengths(packed: Packed, name: str, msn: int) -> list[int]:
    """Access units of each part of a segment."""
    counts: dict[int, int] = {}
    for chunk in packed.segments(name)[msn]:
        counts[chunk.part] = counts.get(chunk.part, 0) + len(unpack_chunk(chunk.data))
    return list(counts.values())


@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("rate", FRAMES)
def test_frame_rate(tmp_path: Path, rate: str, bframes: int) -> None:
    gop = round(2 * Fraction(rate))
    clip = make(
        tmp_path / "clip.flv",
        *video_input(rate=rate, seconds=6.5),
        *audio_input(seconds=6.5),
        *x264(gop, bframes=bframes),
        *AAC,
    )
    packed = pack(clip)
    check_media(packed, clip)
    assert packed.packager.target_duration == 2
    assert starts(packed, SOURCE) == pytest.approx([index * gop / Fraction(rate) for index in range(4)], abs=0.0011)
    assert set(part_lengths(packed, SOURCE, 1)[:-1]) == {FRAMES[rate]}
    assert set(part_lengths(packed, AUDIO, 1)[:-1]) == {18}
    assert not packed.notices


def test_exact_times_of_a_container_with_fine_ticks(tmp_path: Path) -> None:
    clip = make(
        tmp_path / "clip.mp4",
        *video_input(rate="30000/1001"),
        *x264(60, bframes=2),
    )
    packed = pack(clip)
    check_media(packed, clip)
    assert {duration for _, duration in packed.units(SOURCE)} == {3003}


def gop_clip(path: Path, gop: int, seconds: float, extra: str = "") -> Clip:
    sources = [*video_input(seconds=seconds), *audio_input(seconds=seconds)]
    return make(path / "clip.flv", *sources, *x264(gop, bframes=2, extra=extra), *AAC)


def test_gops_of_one_second_are_joined(tmp_path: Path) -> None:
    clip = gop_clip(tmp_path, 30, 6.5)
    packed = pack(clip)
    check_media(packed, clip)
    assert starts(packed, SOURCE) == pytest.approx([0, 2, 4, 6], abs=0.0011)


def test_a_gop_of_8_3_s_makes_a_long_target(tmp_path: Path) -> None:
    clip = gop_clip(tmp_path, 250, 18)
    packed = pack(clip)
    check_media(packed, clip)
    assert packed.packager.target_duration == 10
    assert starts(packed, SOURCE) == pytest.approx([0, 250 / 30, 500 / 30], abs=0.0011)


def test_irregular_gops_are_cut_at_the_first_idr_after_two_seconds(tmp_path: Path) -> None:
    times = [0, 0.5, 1.2, 2.2, 2.9, 4.3, 5.1, 6.4]
    forced = ",".join(map(str, times))
    clip = make(
        tmp_path / "clip.flv",
        *video_input(seconds=8),
        *audio_input(seconds=8),
        *x264(300, bframes=2),
        "-force_key_frames",
        forced,
        *AAC,
    )
    packed = pack(clip)
    check_media(packed, clip)
    assert starts(packed, SOURCE) == pytest.approx([0, 2.2, 4.3, 6.4], abs=0.0011)


def test_open_gops_are_cut_at_idrs_only(tmp_path: Path) -> None:
    clip = gop_clip(tmp_path, 30, 6, extra=":open-gop=1")
    video = clip.of(clip.tracks[0])
    assert [unit.sync for unit in video].count(True) == 1, "recovery points are not IDRs"
    packed = pack(clip)
    check_media(packed, clip)
    assert starts(packed, SOURCE) == [0]


@pytest.mark.parametrize("rate", [44100, 48000])
def test_sampling_rate(tmp_path: Path, rate: int) -> None:
    clip = make(tmp_path / "clip.flv", *video_input(), *audio_input(rate), *x264(60), *AAC)
    packed = pack(clip)
    check_media(packed, clip)
    assert {duration for _, duration in packed.units(AUDIO)} == {1024}
    assert packed.timelines[AUDIO].timescale == rate


def test_audio_follows_the_cuts_of_the_video(tmp_path: Path) -> None:
    clip = gop_clip(tmp_path, 60, 8)
    packed = pack(clip)
    frame = 1024 / 48000
    for video, audio in zip(starts(packed, SOURCE)[1:], starts(packed, AUDIO)[1:], strict=True):
        assert video <= audio < video + frame


def test_video_only(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.flv", *video_input(), *x264(60))
    packed = pack(clip)
    check_media(packed, clip)
    assert set(packed.chunks) == {SOURCE}


def test_audio_only(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.flv", *audio_input(seconds=7), *AAC)
    packed = pack(clip)
    assert set(packed.chunks) == {AUDIO}
    check_media(packed, clip)
    assert packed.packager.target_duration == 2
    assert starts(packed, AUDIO) == pytest.approx([0, 2, 4, 6], abs=0.05)


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        (
            "hvc1",
            ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=60:min-keyint=60:log-level=error"],
        ),
        ("av01", ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "60"]),
    ],
)
def test_other_codecs_pass_through(tmp_path: Path, name: str, encoder: list[str]) -> None:
    clip = make(tmp_path / "clip.mp4", *video_input(seconds=4.5), *audio_input(seconds=4.5), *encoder, *AAC)
    packed = pack(clip)
    assert packed.inits[SOURCE][0].format.codecs.startswith(name)
    assert packed.inits[SOURCE][0].track.width == 192
    check_media(packed, clip)


def test_another_size_in_mid_broadcast(tmp_path: Path) -> None:
    small = make(tmp_path / "small.flv", *video_input(seconds=4.5), *audio_input(seconds=4.5), *x264(60), *AAC)
    large = make(
        tmp_path / "large.flv", *video_input("320x180", seconds=4.5), *audio_input(seconds=4.5), *x264(60), *AAC
    )
    packed = Packed(SourcePackager(WALL_MS))
    feed(packed, small)
    feed(packed, later(large, 4_500))
    packed.end()
    assert [packed.inits[SOURCE][number].format.width for number in (0, 1)] == [192, 320]
    assert [len(packed.decoded(SOURCE, init)) for init in (0, 1)] == [135, 135]
    assert [chunks[0].discontinuity for chunks in packed.segments(SOURCE).values()] == [0, 0, 0, 1, 1, 1]
    assert [chunks[0].init for chunks in packed.segments(AUDIO).values()] == [0] * 6


def test_other_parameter_sets_in_mid_broadcast_play_on_without_a_gap(tmp_path: Path) -> None:
    before = make(tmp_path / "before.flv", *video_input(seconds=4), *x264(60))
    after = make(tmp_path / "after.flv", *video_input(seconds=4), *x264(60, bframes=2))
    packed = Packed(SourcePackager(WALL_MS))
    feed(packed, before)
    feed(packed, later(after, 4_000))
    packed.end()
    assert [len(packed.decoded(SOURCE, init)) for init in (0, 1)] == [120, 120]
    assert {chunk.discontinuity for chunk in packed.chunks[SOURCE]} == {0}


def test_a_reconnect_with_another_size_goes_on_from_the_position(tmp_path: Path) -> None:
    first = make(tmp_path / "first.flv", *video_input(seconds=4.5), *audio_input(44100, 4.5), *x264(60), *AAC)
    second = make(
        tmp_path / "second.flv", *video_input("320x180", seconds=4.5), *audio_input(seconds=4.5), *x264(60), *AAC
    )
    before = pack(first)
    after = pack(second, position=before.packager.position, wall_ms=WALL_MS + 20_000)
    check_media(after, second)
    assert list(after.segments(SOURCE)) == list(after.segments(AUDIO)) == [3, 4, 5]
    assert starts(after, SOURCE)[0] == pytest.approx(20, abs=0.05)
    assert after.timelines[AUDIO].timescale == 44_100
    assert list(after.inits[SOURCE]) == [1]


def test_another_decoder_reads_a_whole_broadcast_without_a_word(tmp_path: Path) -> None:
    clip = gop_clip(tmp_path, 60, 6.5)
    packed = pack(clip)
    for name in (SOURCE, AUDIO):
        file = tmp_path / f"{name}.mp4"
        file.write_bytes(packed.inits[name][0].data + b"".join(chunk.data for chunk in packed.chunks[name]))
        command = [FFMPEG, "-v", "warning", "-xerror", "-i", str(file), "-f", "null", "-"]
        assert subprocess.run(command, check=True, capture_output=True, timeout=60).stderr == b""


def later(clip: Clip, ms: int) -> Clip:
    """The same units, `ms` later on the publisher's clock."""
    units = tuple(
        (track, replace(unit, dts=unit.dts + by, pts=unit.pts + by))
        for track, unit in clip.units
        for by in (ms * track.timescale // 1000,)
    )
    return Clip(clip.tracks, units)


def test_a_longer_gop_than_the_target_is_cut_by_force_and_said_so(tmp_path: Path) -> None:
    times = [0, 2, 4, 9, 11]
    forced = ",".join(map(str, times))
    clip = make(
        tmp_path / "clip.flv",
        *video_input(seconds=13),
        *audio_input(seconds=13),
        *x264(600),
        "-force_key_frames",
        forced,
        *AAC,
    )
    packed = pack(clip)
    check_media(packed, clip)
    cuts = starts(packed, SOURCE)
    assert cuts == pytest.approx([0, 2, 4, 4 + 74 / 30, 4 + 148 / 30, 9, 11], abs=0.0011)
    assert [chunks[0].independent for chunks in packed.segments(SOURCE).values()] == [True] * 3 + [False] * 2 + [
        True
    ] * 2
    assert [notice.kind for notice in packed.notices] == [NoticeKind.FORCED_CUT] * 2
    assert [notice.count for notice in packed.notices] == [1, 2]
    assert "No keyframe came" in packed.notices[0].text
