"""What is made of a VOD: frame by frame what was broadcast."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path

import av
import pytest
from django.db import transaction
from django.utils import timezone
from PIL import Image

from streaming.cmaf.boxes import unpack
from streaming.media import AUDIO, SOURCE
from tests.streaming.cmaf.clips import AAC, Clip, audio_input, make, video_input, x264
from tests.vods.onair import House, OnAir
from vods.models import Asset, AssetKind, AssetState, Vod, VodState
from vods.services.vods import choose_poster
from vods.steps import Job
from vods.storage import media
from vods.work.pictures import asked_posters, make_poster

MS = Fraction(1, 1000)


def asset(kind: AssetKind, number: int = 0) -> tuple[Asset, bytes]:
    found = Asset.objects.get(kind=kind, number=number)
    assert found.state == AssetState.READY, found.error
    return found, media().read(found.key)


def packets(movie: bytes, kind: str) -> list[tuple[bytes, Fraction]]:
    """A track's samples and when each is shown, as a demuxer that isn't ours reads them."""
    with av.open(io.BytesIO(movie), mode="r") as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [
            (bytes(packet), Fraction(packet.pts) * packet.time_base)
            for packet in container.demux(streams)
            if packet.pts is not None and packet.time_base is not None
        ]


def assert_same(movie: bytes, air: OnAir, *, start: Fraction = Fraction(0)) -> None:
    """The movie has every access unit of source and audio, each at its time."""
    for kind, name in (("video", SOURCE), ("audio", AUDIO)):
        if name not in air.packed.chunks:
            continue
        found = packets(movie, kind)
        assert [data for data, _ in found] == [unit.data for unit in air.units(name)]
        expected = air.shown(name)
        assert max(abs(at - want) for (_, at), want in zip(found, expected, strict=True)) <= MS


def decoded(movie: bytes) -> list[float]:
    with av.open(io.BytesIO(movie), mode="r") as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def test_the_mp4_has_every_sample_at_its_time_and_begins_fast(air: OnAir, clip: Clip, house: House) -> None:
    air.send(clip)
    house.hear(air.end())
    found, movie = asset(AssetKind.MP4)
    assert [box.kind for box in unpack(movie)] == [b"ftyp", b"moov", b"free", b"mdat"]
    assert_same(movie, air)
    times = decoded(movie)
    assert len(times) == len(air.units())
    assert times == sorted(times)
    assert (found.facts["from_ms"], found.facts["width"], found.facts["height"]) == (0, 192, 108)
    assert found.size == len(movie)
    _, audio = asset(AssetKind.AUDIO)
    assert [data for data, _ in packets(audio, "audio")] == [unit.data for unit in air.units(AUDIO)]


def test_pictures_of_a_vod(air: OnAir, clip: Clip, house: House) -> None:
    air.send(clip)
    house.hear(air.end())
    board, vtt = asset(AssetKind.STORYBOARD)
    assert board.facts["count"] == 3
    assert re.findall(r"xywh=(\d+),(\d+)", vtt.decode()) == [("0", "0"), ("160", "0"), ("320", "0")]
    with Image.open(io.BytesIO(media().read(board.facts["sheets"][0]))) as sheet:
        assert sheet.size == (1600, 90)
        tiles = [sheet.crop((160 * index, 0, 160 * index + 160, 90)).tobytes() for index in range(3)]
    assert len(set(tiles)) == 3
    poster, picture = asset(AssetKind.POSTER)
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == (192, 108) == (poster.facts["width"], poster.facts["height"])
    _, preview = asset(AssetKind.PREVIEW)
    times = decoded(preview)
    assert 9.5 < times[-1] < 10.5
    assert Asset.objects.count() == 6


def test_the_poster_shows_the_moment_that_was_asked_for_last(air: OnAir, clip: Clip, house: House) -> None:
    """Also where another is being made as it is asked for."""
    air.send(clip)
    house.hear(air.end())
    vod = Vod.objects.get()
    choose(vod, 5_000)
    slow = make_poster(Job(vod.pk))
    choose(vod, 20_000)
    with transaction.atomic():
        slow.write()
    house.sweep()
    assert asset(AssetKind.POSTER)[0].facts["at_ms"] == 20_000
    choose(vod, 10_000)
    slow = make_poster(Job(vod.pk))
    choose(vod, 15_000)
    house.sweep()
    with transaction.atomic():
        slow.write()
    assert asset(AssetKind.POSTER)[0].facts == {"at_ms": 15_000, "width": 192, "height": 108}
    assert not asked_posters().exists()


def choose(vod: Vod, at_ms: int) -> None:
    choose_poster(vod_id=vod.pk, at_ms=at_ms, now=timezone.now())


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    folder = tmp_path_factory.mktemp("short")
    return make(folder / "clip.flv", *video_input(seconds=5), *audio_input(seconds=5), *x264(60, bframes=2), *AAC)


def test_a_reconnect_leaves_no_hole_in_it(air: OnAir, short: Clip, house: House) -> None:
    air.send(short)
    air.reconnect(after_ms=30_000)
    air.send(short)
    house.hear(air.end())
    vod = Vod.objects.get()
    assert vod.state == VodState.READY
    assert vod.duration_ms < 11_000
    _, movie = asset(AssetKind.MP4)
    assert_same(movie, air)
    assert Asset.objects.filter(kind=AssetKind.MP4).count() == 1


def test_another_picture_size_is_another_file(air: OnAir, short: Clip, house: House, tmp_path: Path) -> None:
    larger = make(
        tmp_path / "larger.flv", *video_input(size="256x144", seconds=5), *audio_input(seconds=5), *x264(60), *AAC
    )
    air.send(short)
    air.reconnect(after_ms=1_000)
    air.send(larger)
    house.hear(air.end())
    first, one = asset(AssetKind.MP4, 0)
    second, other = asset(AssetKind.MP4, 1)
    assert (first.facts["width"], second.facts["width"]) == (192, 256)
    assert first.facts["to_ms"] == second.facts["from_ms"]
    units = air.units()
    together = packets(one, "video") + packets(other, "video")
    assert [data for data, _ in together] == [unit.data for unit in units]
    assert len(decoded(one)) + len(decoded(other)) == len(units)
    assert asset(AssetKind.STORYBOARD)[0].facts["count"] == 2


def test_a_second_of_broadcast_is_a_vod(air: OnAir, house: House, tmp_path: Path) -> None:
    air.send(make(tmp_path / "clip.flv", *video_input(seconds=1), *audio_input(seconds=1), *x264(60), *AAC))
    house.hear(air.end())
    vod = Vod.objects.get()
    assert vod.state == VodState.READY
    assert 950 <= vod.duration_ms <= 1_050
    _, movie = asset(AssetKind.MP4)
    assert_same(movie, air)
    asset(AssetKind.PREVIEW)


def test_sound_alone_is_a_vod_without_pictures(air: OnAir, house: House, tmp_path: Path) -> None:
    air.send(make(tmp_path / "clip.flv", *audio_input(seconds=6), *AAC))
    house.hear(air.end())
    assert Vod.objects.get().state == VodState.READY
    _, sound = asset(AssetKind.AUDIO)
    assert [data for data, _ in packets(sound, "audio")] == [unit.data for unit in air.units(AUDIO)]
    states = dict(Asset.objects.values_list("kind", "state"))
    assert {kind for kind, state in states.items() if state == AssetState.ABSENT} == {
        *(AssetKind.MP4, AssetKind.STORYBOARD, AssetKind.POSTER, AssetKind.PREVIEW, AssetKind.CHAT)
    }
