"""Whatever a publisher sends, what comes out is in order, bounded, and never an error."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.cmaf import codecs
from streaming.cmaf.packager import SourcePackager
from streaming.media import AccessUnit, Chunk, Codec
from tests.streaming.cmaf import configs
from tests.streaming.packed import WALL_MS, Packed

TRACKS = [
    configs.VIDEO,
    configs.AUDIO,
    codecs.track(Codec.H264, configs.H264_MAIN),
    codecs.track(Codec.H264, configs.H264_LARGER),
    codecs.track(Codec.AAC, configs.AAC_44),
]
STEP_MS = st.one_of(st.integers(0, 60), st.sampled_from([40, 40, 40, 500, 3_000, 15_000, -40, -5_000, 100_000]))
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("video"), STEP_MS, st.integers(0, 3), st.booleans()),
        st.tuples(st.just("run"), st.integers(1, 80), st.sampled_from([20, 33, 40, 100]), st.booleans()),
        st.tuples(st.just("audio"), STEP_MS, st.integers(1, 60), st.booleans()),
        st.tuples(st.just("track"), st.integers(0, len(TRACKS) - 1), st.just(0), st.booleans()),
        st.tuples(st.just("jump"), st.integers(-100_000, 100_000), st.integers(0, 20_000), st.booleans()),
    ),
    max_size=40,
)


class Source:
    """Interprets events; keeps a clock for each track."""

    def __init__(self) -> None:
        self.packed = Packed(SourcePackager(WALL_MS))
        self.packed.render = lambda name: None  # type: ignore[assignment, method-assign, return-value]
        self.packager = self.packed.packager
        self.video_ms = self.audio_ms = 50_000
        self.rate = 0
        self.has_video = False
        self.wall_ms = WALL_MS

    def take(self, event: tuple[str, int, int, bool]) -> None:
        kind, first, second, flag = event
        match kind:
            case "video":
                self.video_ms += first
                self.video(second * 40, sync=flag)
            case "run":
                for index in range(first):
                    self.video_ms += second
                    self.video(0, sync=flag and index % 50 == 0)
                    self.audio(max(0, self.video_ms - self.audio_ms) // 21)
            case "audio":
                self.audio_ms += first
                self.audio(second)
            case "track":
                track = TRACKS[first]
                self.has_video |= track.codec.is_video
                if not track.codec.is_video:
                    self.rate = track.timescale
                self.packed.take(self.packager.set_track(track))
            case "jump":
                self.video_ms = self.audio_ms = self.video_ms + first
                self.wall_ms += second
                self.packed.take(self.packager.discontinuity(self.wall_ms))

    def video(self, delay_ms: int, *, sync: bool) -> None:
        if self.has_video:
            unit = AccessUnit(self.video_ms * 90, (self.video_ms + delay_ms) * 90, b"v", sync)
            self.packed.take(self.packager.add_video(unit))

    def audio(self, frames: int) -> None:
        for _ in range(frames if self.rate else 0):
            at = self.audio_ms * self.rate // 1000
            self.packed.take(self.packager.add_audio(AccessUnit(at, at, b"a", sync=True)))
            self.audio_ms += 21


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_any_publisher(events: list[tuple[str, int, int, bool]]) -> None:
    source = Source()
    source.take(("track", 1, 0, False))
    for event in [("track", 0, 0, False), *events]:
        source.take(event)
    source.packed.take(source.packager.end())
    for name, chunks in source.packed.chunks.items():
        check_bounds(chunks, source.packed.timelines[name].timescale, source.packager.target_duration)


def check_bounds(chunks: list[Chunk], timescale: int, target_duration: int) -> None:
    lasts: dict[int, int] = {}
    for chunk in chunks:
        lasts[chunk.msn] = lasts.get(chunk.msn, 0) + chunk.duration
        assert chunk.gap != bool(chunk.data)
        assert chunk.duration > 0
    assert list(lasts) == list(range(min(lasts), max(lasts) + 1))
    for msn, duration in lasts.items():
        assert duration * 2 < (2 * target_duration + 1) * timescale, f"segment {msn} lasts {duration / timescale} s"
