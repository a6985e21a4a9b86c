"""What can happen to a publisher's clocks and tracks; every playlist on the way is strictly read."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from streaming.cmaf import codecs
from streaming.cmaf.chunk import unpack_chunk
from streaming.cmaf.errors import PackagingError
from streaming.cmaf.outputs import NoticeKind, Packaged
from streaming.cmaf.packager import SourcePackager
from streaming.cmaf.position import Position
from streaming.hls.timeline import Timeline
from streaming.media import AUDIO, SOURCE, AccessUnit, Codec, Track
from tests.streaming.cmaf import configs
from tests.streaming.packed import WALL_MS, Packed

BASE_MS = 5_000_000
"""Where the publisher's clock begins: anywhere."""
LARGER = codecs.track(Codec.H264, configs.H264_LARGER)
OTHER_SETS = codecs.track(Codec.H264, configs.H264_MAIN)
AUDIO_44 = codecs.track(Codec.AAC, configs.AAC_44)


class Publisher:
    """Sends video at 25 frames a second and audio, interleaved by time. All times in ms of the publisher's clock."""

    def __init__(self, *, video: bool = True, audio: bool = True, position: Position | None = None) -> None:
        self.packed = Packed(SourcePackager(WALL_MS, position))
        self.packager = self.packed.packager
        self.has_video, self.has_audio = video, audio
        self.audio_track = configs.AUDIO
        self.at = BASE_MS
        self._audio_at = BASE_MS * 48
        if video:
            self.set_track(configs.VIDEO)
        if audio:
            self.set_track(configs.AUDIO)

    def set_track(self, track: Track) -> None:
        if not track.codec.is_video:
            self._audio_at = self.at * track.timescale // 1000
            self.audio_track = track
        self.packed.take(self.packager.set_track(track))

    def send(self, ms: int, *, gop_ms: int = 2_000, step_ms: int = 40) -> Publisher:
        """Go on for so long; a GOP begins with the first frame."""
        begin, end = self.at, self.at + ms
        while self.at < end:
            if self.has_audio:
                for unit in self._audio_before(self.at):
                    self.packed.take(self.packager.add_audio(unit))
            if self.has_video:
                self.frame(sync=(self.at - begin) % gop_ms == 0)
            self.at += step_ms
        return self

    def frame(self, *, sync: bool, at: int | None = None) -> None:
        ticks = (self.at if at is None else at) * 90
        self.packed.take(self.packager.add_video(AccessUnit(ticks, ticks, b"picture", sync)))

    def skip(self, ms: int) -> None:
        """Let time pass without sending."""
        self.at += ms
        self._audio_at = self.at * self.audio_track.timescale // 1000

    def end(self) -> Packed:
        self.packed.end()
        return self.packed

    def _audio_before(self, ms: int) -> Iterator[AccessUnit]:
        scale = self.audio_track.timescale
        while self._audio_at * 1000 < ms * scale:
            rounded = self._audio_at * 1000 // scale * scale // 1000
            yield AccessUnit(rounded, rounded, b"sound", sync=True)
            self._audio_at += 1024


def begins(packed: Packed, name: str) -> list[int]:
    """Where segments begin, in ms of the timeline."""
    scale = packed.timelines[name].timescale
    return [round(chunks[0].dts * 1000 / scale) for chunks in packed.segments(name).values()]


def gaps(packed: Packed, name: str) -> list[tuple[int, int]]:
    """Gap chunks joined: from, to, in ms."""
    scale = packed.timelines[name].timescale
    found: list[tuple[int, int]] = []
    for chunk in packed.chunks[name]:
        begin, end = (round(t * 1000 / scale) for t in (chunk.dts, chunk.dts + chunk.duration))
        if chunk.gap and found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        elif chunk.gap:
            found.append((begin, end))
    return found


def test_the_timeline_begins_at_zero_and_at_the_wall_time_given() -> None:
    packed = Publisher().send(4_000).end()
    first = packed.chunks[SOURCE][0]
    assert (first.msn, first.dts, first.wall_ms, first.discontinuity) == (0, 0, WALL_MS, 0)
    assert packed.chunks[AUDIO][0].dts < 1024


def test_nothing_is_packed_before_the_first_idr() -> None:
    publisher = Publisher()
    publisher.frame(sync=False)
    publisher.skip(40)
    packed = publisher.send(2_000).end()
    assert packed.chunks[SOURCE][0].independent
    assert len(packed.units(SOURCE)) == 50


def test_audio_from_before_the_picture_is_left_out() -> None:
    publisher = Publisher(video=False)
    publisher.set_track(configs.VIDEO)
    publisher.send(700)
    publisher.has_video = True
    packed = publisher.send(2_000).end()
    assert begins(packed, SOURCE) == [0]
    assert 0 <= packed.units(AUDIO)[0][0].pts <= 1024


def test_a_timestamp_that_does_not_rise_is_dropped_and_said() -> None:
    publisher = Publisher().send(1_000)
    publisher.frame(sync=False, at=publisher.at - 40)
    packed = publisher.end()
    assert packed.kinds() == {NoticeKind.TIMESTAMP_DROPPED}
    assert len(packed.units(SOURCE)) == 25


def test_changed_parameter_sets_are_a_new_init_section_only() -> None:
    publisher = Publisher().send(1_000)
    publisher.set_track(OTHER_SETS)
    packed = publisher.send(3_000).end()
    assert sorted(packed.inits[SOURCE]) == [0, 1]
    assert begins(packed, SOURCE) == [0, 1_000, 3_000]
    assert [chunks[0].init for chunks in packed.segments(SOURCE).values()] == [0, 1, 1]
    assert {chunk.discontinuity for chunk in packed.chunks[SOURCE]} == {0}


def test_the_same_configuration_again_changes_nothing() -> None:
    publisher = Publisher().send(1_000)
    publisher.set_track(configs.VIDEO)
    packed = publisher.send(3_000, gop_ms=1_000).end()
    assert begins(packed, SOURCE) == [0, 2_000]
    assert list(packed.inits[SOURCE]) == [0]


def test_another_size_is_a_discontinuity_in_both_renditions() -> None:
    publisher = Publisher().send(3_000)
    publisher.set_track(LARGER)
    packed = publisher.send(3_000).end()
    assert begins(packed, SOURCE) == [0, 2_000, 3_000, 5_000]
    for name in (SOURCE, AUDIO):
        assert [chunks[0].discontinuity for chunks in packed.segments(name).values()] == [0, 0, 1, 1]
    assert (packed.inits[SOURCE][1].track.width, list(packed.inits[AUDIO])) == (320, [0])
    assert packed.kinds() == {NoticeKind.FORMAT_CHANGED}


def test_another_sampling_rate_is_a_discontinuity_too() -> None:
    publisher = Publisher().send(3_000)
    publisher.set_track(AUDIO_44)
    packed = publisher.send(3_000).end()
    assert [init.track.sample_rate for init in packed.inits[AUDIO].values()] == [48_000, 44_100]
    assert {init.track.timescale for init in packed.inits[AUDIO].values()} == {48_000}
    second = [chunk for chunk in packed.chunks[AUDIO] if chunk.init == 1]
    frames = sum(len(unpack_chunk(chunk.data)) for chunk in second)
    assert second[-1].dts + second[-1].duration - second[0].dts == pytest.approx(frames * 1024 * 48 / 44.1, abs=1)
    assert [chunks[0].discontinuity for chunks in packed.segments(SOURCE).values()] == [0, 0, 1, 1]


def test_a_jump_of_the_clock_goes_on_in_step_with_the_wall() -> None:
    publisher = Publisher().send(3_000)
    publisher.packed.take(publisher.packager.discontinuity(WALL_MS + 8_000))
    publisher.skip(-2_000_000)
    packed = publisher.send(4_000).end()
    assert begins(packed, SOURCE) == [0, 2_000, 8_000, 10_000]
    for name in (SOURCE, AUDIO):
        segments = packed.segments(name)
        assert list(segments) == [0, 1, 2, 3]
        assert [chunks[0].discontinuity for chunks in segments.values()] == [0, 0, 1, 1]
    assert packed.segments(SOURCE)[2][0].wall_ms == WALL_MS + 8_000
    assert not packed.kinds()


def test_the_timeline_never_runs_backwards_whatever_the_wall_clock_does() -> None:
    publisher = Publisher().send(3_000)
    publisher.packed.take(publisher.packager.discontinuity(WALL_MS + 1_000))
    chunks = publisher.send(2_000).end().chunks[SOURCE]
    assert [chunk.dts for chunk in chunks] == sorted(chunk.dts for chunk in chunks)


def test_another_process_goes_on_from_a_position() -> None:
    before = Publisher().send(5_000).end()
    position = Position.from_json(json.loads(json.dumps(before.packager.position.to_json())))
    assert position == before.packager.position
    after = Packed(SourcePackager(WALL_MS + 9_000, position))
    publisher = Publisher(position=None)
    publisher.packed, publisher.packager = after, after.packager
    publisher.set_track(configs.VIDEO)
    publisher.set_track(configs.AUDIO)
    packed = publisher.send(2_000).end()
    first = packed.chunks[SOURCE][0]
    assert (first.msn, first.discontinuity, first.dts, first.wall_ms) == (3, 1, 9_000 * 90, WALL_MS + 9_000)
    assert first.init == 1
    assert packed.packager.target_duration == 2


def test_a_position_is_also_told_by_the_newest_chunks() -> None:
    packed = Publisher().send(5_000).end()
    newest = {SOURCE: (packed.chunks[SOURCE][-1], 90_000), AUDIO: (packed.chunks[AUDIO][-1], 48_000)}
    told = Position.after(newest, target_duration=2)
    known = packed.packager.position
    assert (told.msn, told.discontinuity, told.inits) == (known.msn, known.discontinuity, known.inits)
    assert told.timescales == known.timescales
    assert abs(told.end_ms - known.end_ms) <= 1
    assert abs(told.end_wall_ms - known.end_wall_ms) <= 1


def test_segments_that_a_dead_ingest_left_out_are_gaps() -> None:
    packed = Publisher().send(5_000).packed
    lost = [chunk for chunk in packed.chunks[AUDIO] if chunk.msn < 1]
    newest = {SOURCE: (packed.chunks[SOURCE][-1], 90_000), AUDIO: (lost[-1], 48_000)}
    position = Position.from_json(json.loads(json.dumps(Position.after(newest, target_duration=2).to_json())))
    publisher = Publisher(position=position)
    # What the bus has of the rendition.
    publisher.packed.timelines[AUDIO] = Timeline(timescale=48_000, part_target_ms=400)
    publisher.packed.inits[AUDIO] = packed.inits[AUDIO]
    for chunk in lost:
        publisher.packed.take([Packaged(AUDIO, chunk)])
    audio = publisher.send(3_000).end().segments(AUDIO)
    assert list(audio) == [0, 1, 2, 3, 4]
    assert [all(chunk.gap for chunk in chunks) for chunks in audio.values()] == [False, True, True, False, False]
    assert [chunks[0].discontinuity for chunks in audio.values()] == [0, 0, 0, 1, 1]


def test_a_pause_of_the_publisher_is_a_discontinuity() -> None:
    publisher = Publisher().send(3_000)
    publisher.skip(60_000)
    packed = publisher.send(3_000).end()
    assert begins(packed, SOURCE) == [0, 2_000, 63_000, 65_000]
    assert [chunks[0].discontinuity for chunks in packed.segments(SOURCE).values()] == [0, 0, 1, 1]
    assert packed.segments(SOURCE)[2][0].wall_ms == WALL_MS + 63_000
    assert packed.kinds() == {NoticeKind.PAUSED}


def test_after_a_pause_the_picture_begins_with_an_idr() -> None:
    publisher = Publisher().send(3_000)
    publisher.skip(60_000)
    publisher.frame(sync=False)
    publisher.skip(40)
    packed = publisher.send(3_000).end()
    assert packed.segments(SOURCE)[2][0].independent


def test_a_pause_of_audio_alone_is_a_discontinuity() -> None:
    publisher = Publisher(video=False).send(5_000)
    publisher.skip(60_000)
    packed = publisher.send(3_000).end()
    assert begins(packed, AUDIO) == pytest.approx([0, 2_000, 4_000, 65_000, 67_000], abs=50)
    assert [chunks[0].discontinuity for chunks in packed.segments(AUDIO).values()] == [0, 0, 0, 1, 1]
    assert not gaps(packed, AUDIO)


def test_audio_that_jumps_ahead_of_the_video_makes_no_endless_segment() -> None:
    publisher = Publisher().send(3_000)
    publisher._audio_at += 3_600 * 48_000
    publisher.at += 3_600_000
    publisher.has_video = False
    publisher.send(2_000)
    packed = publisher.end()
    assert packed.kinds() == {NoticeKind.PAUSED}
    assert packed.chunks[SOURCE][-1].dts < 4_000 * 90


def test_audio_goes_on_when_the_video_stalls() -> None:
    publisher = Publisher().send(4_000)
    publisher.has_video = False
    publisher.send(9_000)
    publisher.has_video = True
    packed = publisher.send(4_000).end()
    assert NoticeKind.VIDEO_STALLED in packed.kinds()
    (gap,) = gaps(packed, SOURCE)
    assert 4_000 < gap[0] < 6_500
    assert gap[1] == 13_000
    assert not gaps(packed, AUDIO)
    assert sum(duration for _, duration in packed.units(AUDIO)) == pytest.approx(17 * 48_000, abs=2_048)
    assert list(packed.segments(AUDIO)) == list(packed.segments(SOURCE))
    assert {chunk.discontinuity for chunk in packed.chunks[SOURCE]} == {0}


def test_video_goes_on_when_the_audio_stalls() -> None:
    publisher = Publisher().send(4_000)
    publisher.has_audio = False
    publisher.send(10_000)
    publisher.skip(0)
    publisher.has_audio = True
    packed = publisher.send(4_000).end()
    assert begins(packed, SOURCE) == list(range(0, 18_000, 2_000))
    ((begin, end),) = gaps(packed, AUDIO)
    assert begin == pytest.approx(4_000, abs=50)
    assert end == pytest.approx(14_000, abs=50)
    assert list(packed.segments(AUDIO)) == list(packed.segments(SOURCE))


def test_audio_that_never_comes_back_is_a_gap_to_the_end() -> None:
    publisher = Publisher().send(4_000)
    publisher.has_audio = False
    packed = publisher.send(5_000).end()
    assert list(packed.segments(AUDIO)) == list(packed.segments(SOURCE))


def test_audio_that_is_announced_but_never_comes_is_no_rendition() -> None:
    publisher = Publisher()
    publisher.has_audio = False
    assert set(publisher.send(20_000).end().chunks) == {SOURCE}


def test_audio_may_join_late() -> None:
    publisher = Publisher(audio=False).send(4_000)
    publisher.set_track(configs.AUDIO)
    publisher.has_audio = True
    packed = publisher.send(3_000).end()
    assert list(packed.segments(AUDIO)) == [2, 3]
    assert begins(packed, AUDIO) == [4_000, pytest.approx(6_000, abs=25)]


def test_video_may_join_a_broadcast_of_audio() -> None:
    publisher = Publisher(video=False).send(5_000)
    publisher.set_track(configs.VIDEO)
    publisher.has_video = True
    packed = publisher.send(4_000).end()
    assert begins(packed, SOURCE) == [5_000, 7_000]
    assert set(packed.segments(SOURCE)) < set(packed.segments(AUDIO))
    assert packed.segments(SOURCE)[3][0].independent


def test_audio_alone_goes_on_if_announced_video_never_comes() -> None:
    publisher = Publisher()
    publisher.has_video = False
    packed = publisher.send(14_000).end()
    assert set(packed.chunks) == {AUDIO}
    assert packed.packager.target_duration == 2


def test_a_gop_just_short_of_the_target_is_not_cut_by_force() -> None:
    packed = Publisher().send(2_000).send(11_400, gop_ms=1_900, step_ms=20).end()
    assert begins(packed, SOURCE) == [0, 2_000, 3_900, 5_800, 7_700, 9_600, 11_500]
    assert not packed.kinds()


def test_the_first_segment_decides_on_the_target_duration() -> None:
    assert Publisher().send(5_000, gop_ms=2_480).end().packager.target_duration == 2
    assert Publisher().send(6_000, gop_ms=2_520).end().packager.target_duration == 10


def test_a_first_segment_that_tells_nothing_of_the_gop_leaves_room_for_a_long_one() -> None:
    publisher = Publisher().send(1_500, gop_ms=8_000)
    publisher.packed.take(publisher.packager.discontinuity(WALL_MS + 1_500))
    packed = publisher.send(17_000, gop_ms=8_000).end()
    assert packed.packager.target_duration == 10
    assert begins(packed, SOURCE) == pytest.approx([0, 1_500, 9_500, 17_500], abs=25)


@pytest.mark.parametrize(
    ("track", "gop_ms", "target"),
    [(configs.AUDIO, 2_490, 2), (AUDIO_44, 2_480, 2), (AUDIO_44, 2_490, 10)],  # 107 frames of 44.1 kHz: 2.4845 s
)
def test_a_segment_of_the_longest_allowed_is_so_in_the_audio_too(track: Track, gop_ms: int, target: int) -> None:
    publisher = Publisher(audio=False)
    publisher.has_audio = True
    publisher.set_track(track)
    packed = publisher.send(30_000, gop_ms=gop_ms, step_ms=10).end()
    assert packed.packager.target_duration == target
    longest = max(sum(c.duration for c in chunks) for chunks in packed.segments(AUDIO).values())
    assert longest / track.timescale < target + 0.5
    assert not gaps(packed, AUDIO)


def test_a_shorter_delay_of_the_picture_after_a_change_does_not_turn_time_back() -> None:
    publisher = Publisher(audio=False)
    for index in range(10):
        at = (BASE_MS + index * 40) * 90
        unit = AccessUnit(at, at + 120 * 90, b"delayed", sync=index == 0)
        publisher.packed.take(publisher.packager.add_video(unit))
    publisher.set_track(LARGER)
    publisher.at += 400
    packed = publisher.send(1_000).end()
    assert [chunk.discontinuity for chunk in packed.chunks[SOURCE]] == [0] * 5 + [1] * 13


def test_a_picture_every_half_second_makes_legal_playlists() -> None:
    packed = Publisher().send(20_000, step_ms=500).end()
    assert begins(packed, SOURCE) == list(range(0, 20_000, 2_000))
    assert len(packed.units(SOURCE)) == 40


def test_lost_audio_frames_leave_a_hole_of_their_length() -> None:
    publisher = Publisher().send(1_000)
    publisher.has_audio = False
    publisher.send(200, gop_ms=9_999)
    publisher.has_audio = True
    publisher._audio_at += 8 * 1024
    publisher.at += 40
    packed = publisher.send(1_000, gop_ms=1_000).end()
    (hole,) = [duration for _, duration in packed.units(AUDIO) if duration != 1024]
    assert hole == pytest.approx(9 * 1024, abs=48)
    assert not gaps(packed, AUDIO)


def test_rounded_audio_times_are_followed_to_the_sample() -> None:
    packed = Publisher().send(10_000).end()
    assert {duration for _, duration in packed.units(AUDIO)} == {1024}


def test_units_without_a_track_are_refused() -> None:
    packager = SourcePackager(WALL_MS)
    with pytest.raises(PackagingError):
        packager.add_video(AccessUnit(0, 0, b"x", sync=True))
    with pytest.raises(PackagingError):
        packager.add_audio(AccessUnit(0, 0, b"x", sync=True))


def test_a_broadcast_without_media_stays_at_its_position() -> None:
    packager = SourcePackager(WALL_MS, Position(msn=7, discontinuity=2, end_ms=9_000, end_wall_ms=WALL_MS - 5))
    assert packager.end() == []
    assert packager.position == Position(7, 2, 9_000, WALL_MS - 5)
