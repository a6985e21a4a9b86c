"""MP4 files out of chunks: read by a demuxer that isn't ours."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import pytest

from streaming.cmaf.boxes import find, unpack
from streaming.cmaf.chunk import first_sample, first_sample_end, unpack_chunk, unpack_runs
from streaming.cmaf.errors import BoxError, PackagingError
from streaming.cmaf.movie import MOVIE_TIMESCALE, MovieWriter
from streaming.media import AUDIO, SOURCE, VIDEO_TIMESCALE
from tests.streaming.cmaf.clips import AAC, audio_input, make, video_input, x264
from tests.streaming.packed import Packed, pack


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    path: Path = tmp_path_factory.mktemp("movie") / "clip.flv"
    return pack(make(path, *video_input(seconds=4), *audio_input(seconds=4), *x264(60, bframes=2), *AAC))


def movie(packed: Packed, *, room: int, window: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    writer = MovieWriter(file, room=room)
    for name in (SOURCE, AUDIO):
        section = packed.inits[name][0]
        track = writer.track(section.data, timescale=section.track.timescale)
        for chunk in packed.chunks[name]:
            for run in unpack_runs(chunk.data):
                writer.add(track, run, at=run.dts)
    assert writer.finish(window=window) == len(file.getvalue())
    return file.getvalue()


def shown(data: bytes) -> list[float]:
    with av.open(io.BytesIO(data), mode="r") as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


@pytest.mark.parametrize("room", [100_000, 3_000, 0])
def test_it_begins_with_its_index_however_little_room_was_left(packed: Packed, room: int) -> None:
    data = movie(packed, room=room)
    kinds = [box.kind for box in unpack(data)]
    assert kinds == [b"ftyp", b"moov", b"free", b"mdat"]
    assert len(shown(data)) == len(packed.units(SOURCE)) == 120


def test_room_that_fits_exactly_or_nearly(packed: Packed) -> None:
    moov = next(box for box in unpack(movie(packed, room=0)) if box.kind == b"moov").size
    for spare in (0, 1, 7, 8, 9):
        data = movie(packed, room=moov + spare)
        assert sum(box.size for box in unpack(data)) == len(data)
        assert len(shown(data)) == 120
        assert samples_timed(data) == [120, len(packed.units(AUDIO))]


def samples_timed(data: bytes) -> list[int]:
    """How many samples each track's `stts` tells the duration of."""
    counts = []
    for trak in (box for box in unpack(find(data, b"moov").body) if box.kind == b"trak"):
        stts = find(trak.body, b"mdia", b"minf", b"stbl", b"stts").body
        counts.append(sum(struct.unpack(f">{(len(stts) - 8) // 4}I", stts[8:])[::2]))
    return counts


def test_a_window_is_cut_at_exact_times(packed: Packed) -> None:
    data = movie(packed, room=100_000, window=(MOVIE_TIMESCALE, 3 * MOVIE_TIMESCALE))
    with av.open(io.BytesIO(data), mode="r") as container:
        assert container.duration == 2_000_000
    times = [time for time in shown(data) if 0 <= time < 2]
    assert len(times) == 60
    assert times[0] == pytest.approx(0, abs=0.001)


def test_samples_are_found_without_taking_them_apart(packed: Packed) -> None:
    for name in (SOURCE, AUDIO):
        data = b"".join(chunk.data for chunk in packed.chunks[name])
        runs = list(unpack_runs(data))
        pairs = unpack_chunk(data)
        assert b"".join(run.media for run in runs) == b"".join(unit.data for unit, _ in pairs)
        assert [size for run in runs for size in run.sizes] == [len(unit.data) for unit, _ in pairs]
        assert [sync for run in runs for sync in run.syncs] == [unit.sync for unit, _ in pairs]
        assert [ticks for run in runs for ticks in run.durations] == [duration for _, duration in pairs]
    unit = unpack_chunk(packed.chunks[SOURCE][0].data)[0][0]
    data = packed.chunks[SOURCE][0].data
    assert first_sample(data[: first_sample_end(data[:200])]) == unit.data
    assert packed.inits[SOURCE][0].track.timescale == VIDEO_TIMESCALE


def test_what_is_no_chunk_of_ours_is_refused(packed: Packed) -> None:
    data = packed.chunks[SOURCE][0].data
    for wrong in (data[:50], data[:-1], b"\0" * 200, data[8:]):
        with pytest.raises(BoxError):
            list(unpack_runs(wrong))
    with pytest.raises(BoxError):
        first_sample(data[:120])
    with pytest.raises(PackagingError):
        MovieWriter(io.BytesIO(), room=0).finish()
