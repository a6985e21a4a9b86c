"""Renditions of a VOD that did not run, or not always, while it was live."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zlib import crc32

import av
import pytest
from django.db import transaction
from django.forms.models import model_to_dict

from streaming.ffmpeg.errors import FfmpegGone
from streaming.media import VIDEO_TIMESCALE
from tests.streaming.cmaf.clips import AAC, Clip, audio_input, make, video_input, x264
from tests.vods.onair import House, OnAir, stored
from tests.workers.ledger.conftest import later
from vods.film import Reader, track_of
from vods.models import Bundle, Vod
from vods.steps import Job
from vods.storage import media
from workers.fill import FillFailed
from workers.fill import fill as encode
from workers.ledger.backoff import MAX_ATTEMPTS
from workers.ledger.workflows import retry
from workers.models import Step, StepState


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """High enough for a rung below it; 12 s in segments of 2 s."""
    folder = tmp_path_factory.mktemp("wide")
    return make(
        folder / "clip.flv",
        *video_input(size="320x180", seconds=12),
        *audio_input(seconds=12),
        *x264(60, bframes=2),
        *AAC,
    )


def shown(vod: Vod, name: str) -> list[int]:
    """When each picture of a rendition is shown after its first, by a decoder that isn't ours."""
    track = track_of(vod.renditions.get(name=name))
    reader = Reader(media())
    data = b"".join(bytes(reader.read(segment)) for segment in track.timeline.segments)
    (section,) = track.inits.values()
    with av.open(io.BytesIO(section + data), mode="r") as container:
        frames = list(container.decode(video=0))
    times = [int((frame.pts or 0) * (frame.time_base or 0) * VIDEO_TIMESCALE) for frame in frames]
    return [time - times[0] for time in times]


def in_storage(folder: Path) -> int:
    """Bytes of all objects."""
    return sum(len(data) for data in stored(folder).values())


def fill(house: House) -> None:
    later(20)
    house.sweep()
    assert house.errors() == {}


def test_what_nobody_watched_is_encoded_afterwards(air: OnAir, wide: Clip, house: House, storage: Path) -> None:
    air.send(wide)
    house.hear(air.end())
    vod = Vod.objects.get()
    assert [rendition.name for rendition in vod.renditions.filter(complete=True)] == ["source", "audio"]
    fill(house)
    whole = vod.renditions.filter(complete=True)
    assert [rendition.name for rendition in whole] == ["source", "160p", "audio"]
    assert shown(vod, "160p") == shown(vod, "source") == sorted(unit.pts for unit in air.units())
    source, low = (track_of(vod.renditions.get(name=name)).timeline.segments for name in ("source", "160p"))
    assert [(one.msn, one.dts, one.duration, one.wall_ms) for one in low] == [
        (one.msn, one.dts, one.duration, one.wall_ms) for one in source
    ]
    vod.refresh_from_db()
    assert vod.size == in_storage(storage)


def test_what_ran_is_kept_and_the_rest_is_added(air: OnAir, wide: Clip, house: House, storage: Path) -> None:
    air.send(wide)
    house.hear(air.end())
    fill(house)
    vod = Vod.objects.get()
    rendition = vod.renditions.get(name="160p")
    before = {segment.msn: bytes(Reader(media()).read(segment)) for segment in track_of(rendition).timeline.segments}
    # As if segments 2 and 3 had been lost while it was live.
    bundle = Bundle.objects.get(rendition=rendition)
    data = media().read(bundle.key)
    kept = [
        b"" if segment.msn in (2, 3) else data[segment.offset : segment.offset + segment.size]
        for segment in bundle.segments
    ]
    checksum = crc32(b"".join(kept))
    key = f"{vod.prefix}160p/00000000-{checksum:08x}.m4s"
    media().put(key, b"".join(kept))
    media().remove(bundle.key)
    Bundle.objects.filter(pk=bundle.pk).update(
        key=key, crc32=checksum, size=sum(map(len, kept)), sizes=[len(one) for one in kept]
    )
    Vod.objects.update(size=in_storage(storage))
    with transaction.atomic():
        encode(Job(vod.pk, {"first": 0})).write()
    rendition.refresh_from_db()
    after = {segment.msn: bytes(Reader(media()).read(segment)) for segment in track_of(rendition).timeline.segments}
    assert after == before
    assert key not in stored(storage)
    vod.refresh_from_db()
    assert vod.size == in_storage(storage)


def test_a_run_that_can_t_be_encoded_keeps_nothing_else_from_being_listed(air: OnAir, wide: Clip, house: House) -> None:
    air.send(wide)
    house.hear(air.end())
    vod = Vod.objects.get()
    source = vod.renditions.get(name="source")
    lost = source.bundles.get()
    ran = vod.renditions.create(name="90p", place=2, codecs="avc1", bandwidth=1, timescale=source.timescale)
    stored_twice = model_to_dict(lost, exclude=["rendition"])
    ran.bundles.create(**stored_twice)  # one that ran all the time
    data = media().read(lost.key)
    media().remove(lost.key)
    for _ in range(MAX_ATTEMPTS):
        later(2_000)
        house.sweep()
    assert Step.objects.get(name="fill 0").state == StepState.DEAD
    assert {rendition.name for rendition in vod.renditions.filter(complete=True)} == {"source", "90p", "audio"}

    media().put(lost.key, data)
    retry(step_id=Step.objects.get(name="fill 0").pk)
    fill(house)
    whole = vod.renditions.filter(complete=True)
    assert {rendition.name for rendition in whole} == {"source", "160p", "90p", "audio"}


@pytest.mark.parametrize("taken", [0, 1_000_000])
def test_an_encoder_that_hangs_is_ended(
    air: OnAir, wide: Clip, house: House, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """Whether it takes nothing, or all and puts out none."""
    air.send(wide)
    house.hear(air.end())
    hangs = tmp_path / "ffmpeg"
    hangs.write_text(f"#!/bin/sh\nhead -c {taken} > /dev/null\nexec sleep 100\n")
    hangs.chmod(0o755)
    settings.FFMPEG = str(hangs)
    monkeypatch.setattr("workers.fill.HANG_SECONDS", 0.5)
    with pytest.raises((FillFailed, FfmpegGone)):
        encode(Job(Vod.objects.get().pk, {"first": 0}))


def test_the_house_may_do_without(air: OnAir, wide: Clip, house: House, settings: Any) -> None:
    settings.VOD_LADDER = ["none"]
    air.send(wide)
    house.hear(air.end())
    fill(house)
    assert Vod.objects.get().renditions.count() == 2
