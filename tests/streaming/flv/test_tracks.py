from __future__ import annotations

import itertools
import subprocess

import imageio_ffmpeg
import pytest

from streaming.flv.audio import AudioData, AudioKind, build_audio
from streaming.flv.errors import FlvTagError
from streaming.flv.file import Demuxer, file_header, pack
from streaming.flv.tag import Tag, TagType
from streaming.flv.tracks import AudioTrackReader, VideoTrackReader, config_tag, frame_tag
from streaming.flv.video import VideoData, VideoKind, build_video
from streaming.media import AccessUnit, Codec, Track

from .clips import clip

AVCC = bytes.fromhex("01 64 00 1f ff e1 0000 01 0000")
IDR = bytes.fromhex("00000002 65 88")


def read(data: bytes, kind: TagType) -> tuple[Track, list[AccessUnit]]:
    reader = VideoTrackReader() if kind is TagType.VIDEO else AudioTrackReader()
    items = [reader.read(tag.body, tag.timestamp) for tag in Demuxer().feed(data) if tag.type is kind]
    (track,) = (item for item in items if isinstance(item, Track))
    return track, [item for item in items if isinstance(item, AccessUnit)]


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_ffmpegs_pictures_are_read_with_their_sync_points(codec: str) -> None:
    track, units = read(clip(codec, seconds=2), TagType.VIDEO)
    assert (track.codec, track.timescale) == (Codec(codec), 90_000)
    assert [at for at, unit in enumerate(units) if unit.sync] == [0, 30]


def test_audio_is_a_continuous_count_of_samples() -> None:
    track, units = read(clip("h264", rate=44_100, seconds=2), TagType.AUDIO)
    assert (track.codec, track.timescale, track.sample_rate, track.channels) == (Codec.AAC, 44_100, 44_100, 1)
    assert {after.dts - before.dts for before, after in itertools.pairwise(units)} == {1024}


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_rebuilt_tags_are_decoded_by_ffmpeg(codec: str) -> None:
    tracks: dict[bool, Track] = {}
    tags: list[Tag] = []
    video, audio = VideoTrackReader(), AudioTrackReader()
    for tag in Demuxer().feed(clip(codec)):
        if tag.type is TagType.SCRIPT:
            continue
        is_video = tag.type is TagType.VIDEO
        item = (video if is_video else audio).read(tag.body, tag.timestamp)
        if isinstance(item, Track):
            tracks[is_video] = item
            tags.append(config_tag(item))
        elif item is not None:
            tags.append(frame_tag(tracks[is_video], item))
    data = file_header(video=True, audio=True) + b"".join(map(pack, tags))
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-f", "flv", "-i", "pipe:0", "-map", "0:v"]
    argv += ["-f", "framecrc", "pipe:1"]
    done = subprocess.run(argv, input=data, capture_output=True, check=True)
    frames = [line for line in done.stdout.splitlines() if not line.startswith(b"#")]
    assert (len(frames), done.stderr) == (30, b"")


def configured(length_size: int = 4) -> VideoTrackReader:
    reader = VideoTrackReader()
    config = AVCC[:4] + bytes((0xFC | (length_size - 1),)) + AVCC[5:]
    assert isinstance(reader.read(build_video(VideoData(VideoKind.CONFIG, Codec.H264, config)), 0), Track)
    return reader


def test_times_are_ticks_of_90_khz() -> None:
    frame = VideoData(VideoKind.FRAME, Codec.H264, IDR, keyframe=True, composition_ms=67)
    assert configured().read(build_video(frame), 33) == AccessUnit(33 * 90, 100 * 90, IDR, sync=True)


def test_the_containers_keyframe_flag_makes_no_sync_point() -> None:
    recovery_point = bytes.fromhex("00000002 06 06 00000002 41 9a")
    unit = configured().read(build_video(VideoData(VideoKind.FRAME, Codec.H264, recovery_point, keyframe=True)), 0)
    assert isinstance(unit, AccessUnit)
    assert (unit.sync, unit.recovery) == (False, True)


def test_short_nal_lengths_become_four_bytes_in_config_and_frames() -> None:
    reader = VideoTrackReader()
    config = AVCC[:4] + b"\xfd" + AVCC[5:]
    track = reader.read(build_video(VideoData(VideoKind.CONFIG, Codec.H264, config)), 0)
    assert isinstance(track, Track)
    assert track.config == AVCC
    unit = reader.read(build_video(VideoData(VideoKind.FRAME, Codec.H264, bytes.fromhex("0002 65 88"))), 0)
    assert isinstance(unit, AccessUnit)
    assert unit.data == IDR


def test_a_repeated_configuration_is_no_new_track() -> None:
    reader = configured()
    assert reader.read(build_video(VideoData(VideoKind.CONFIG, Codec.H264, AVCC)), 0) is None
    other = AVCC[:3] + b"\x20" + AVCC[4:]
    assert isinstance(reader.read(build_video(VideoData(VideoKind.CONFIG, Codec.H264, other)), 0), Track)


def test_frames_before_a_configuration_are_dropped() -> None:
    assert VideoTrackReader().read(build_video(VideoData(VideoKind.FRAME, Codec.H264, IDR)), 0) is None
    assert AudioTrackReader().read(build_audio(AudioData(AudioKind.FRAME, b"\x21")), 0) is None


def test_a_broken_frame_is_refused() -> None:
    with pytest.raises(FlvTagError):
        configured().read(build_video(VideoData(VideoKind.FRAME, Codec.H264, IDR[:-1])), 0)


def stamps_of(timestamps: list[int]) -> list[int]:
    reader = AudioTrackReader()
    reader.read(build_audio(AudioData(AudioKind.CONFIG, b"\x11\x90")), 0)
    units = [reader.read(build_audio(AudioData(AudioKind.FRAME, b"\x21")), timestamp) for timestamp in timestamps]
    return [unit.dts for unit in units if isinstance(unit, AccessUnit)]


def test_rounded_milliseconds_do_not_disturb_the_count() -> None:
    assert stamps_of([0, 21, 43, 64, 85]) == [0, 1024, 2048, 3072, 4096]


def test_a_jump_moves_the_count() -> None:
    assert stamps_of([0, 21, 500, 521]) == [0, 1024, 24_000, 25_024]


def test_a_slow_drift_moves_the_count_by_half_a_frame_at_a_time() -> None:
    # the encoder's clock is 1 % off: 1 ms more every 5 frames
    stamps = stamps_of([round(n * 1024 / 48 * 1.01) for n in range(200)])
    steps = {after - before for before, after in itertools.pairwise(stamps)}
    assert 1024 in steps
    assert all(1024 <= step < 1024 + 700 for step in steps)
    assert abs(stamps[-1] - 199 * 1024 * 1.01) < 600
