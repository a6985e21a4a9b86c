"""What the database refuses, whoever writes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from streaming.models import Broadcast, Channel
from tests.vods.conftest import NOW
from vods.models import Asset, Bundle, Clip, Vod, VodKind, VodRendition, VodState


def bundle(rendition: VodRendition, **changes: Any) -> Bundle:
    facts: dict[str, Any] = {
        "first_msn": 0,
        "count": 2,
        "key": "k",
        "size": 30,
        "crc32": 1,
        "sizes": [10, 20],
        "dts": [0, 180_000],
        "durations": [180_000, 180_000],
        "walls_ms": [0, 2_000],
        "discontinuities": [0, 0],
        "inits": [0, 0],
    }
    return Bundle(rendition=rendition, **facts | changes)


@pytest.fixture
def rendition(vod: Vod) -> VodRendition:
    return VodRendition.objects.create(vod=vod, name="source", place=0, codecs="avc1", bandwidth=1, timescale=90_000)


def refused(name: str) -> Any:
    return pytest.raises(IntegrityError, match=name)


def test_a_broadcast_has_one_vod(vod: Vod) -> None:
    with refused("broadcast_id"), transaction.atomic():
        Vod.objects.create(channel=vod.channel, broadcast=vod.broadcast, recorded_at=NOW)


def test_a_vod_says_what_it_was_made_from(channel: Channel, vod: Vod) -> None:
    with refused("vod_kind_has_its_origin"), transaction.atomic():
        Vod.objects.create(channel=channel, recorded_at=NOW)
    with refused("vod_kind_has_its_origin"), transaction.atomic():
        Vod.objects.create(channel=channel, recorded_at=NOW, kind=VodKind.HIGHLIGHT, from_ms=5, to_ms=5)
    Vod.objects.create(channel=channel, recorded_at=NOW, kind=VodKind.HIGHLIGHT, source=vod, from_ms=5, to_ms=6)


def test_what_plays_is_whole(broadcast: Broadcast) -> None:
    with refused("vod_ready_is_whole"), transaction.atomic():
        Vod.objects.create(channel=broadcast.channel, broadcast=broadcast, recorded_at=NOW, state=VodState.READY)


def test_a_bundle_tells_of_each_of_its_segments_once(rendition: VodRendition) -> None:
    with refused("bundle_tells_of_each_segment"), transaction.atomic():
        bundle(rendition, inits=[0]).save()
    with refused("bundle_has_object"), transaction.atomic():
        bundle(rendition, key="").save()
    bundle(rendition).save()
    with refused("bundle_unique"), transaction.atomic():
        bundle(rendition, key="other").save()


def test_segments_lie_behind_each_other(rendition: VodRendition) -> None:
    made = bundle(rendition, first_msn=7, sizes=[30, 0])
    assert [(one.msn, one.offset, one.size, one.gap) for one in made.segments] == [
        (7, 0, 30, False),
        (8, 30, 0, True),
    ]
    assert made.end_msn == 9


def test_a_product_that_is_ready_is_there(vod: Vod) -> None:
    with refused("asset_ready_is_there"), transaction.atomic():
        Asset.objects.create(vod=vod, kind="mp4", state="ready")


@pytest.mark.parametrize("length", [4_999, 60_001])
def test_a_clip_has_5_to_60_seconds(vod: Vod, length: int) -> None:
    with refused("clip_of_5_to_60_seconds"), transaction.atomic():
        Clip.objects.create(channel=vod.channel, vod=vod, title="t", from_ms=100, to_ms=100 + length, created_at=NOW)


def test_a_channel_that_has_media_in_storage_stays(vod: Vod) -> None:
    with pytest.raises(ProtectedError):
        vod.channel.user.delete()
