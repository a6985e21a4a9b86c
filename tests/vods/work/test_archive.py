"""From the bus into storage, and a VOD that plays."""

from __future__ import annotations

from pathlib import Path

from streaming.media import AUDIO, SOURCE
from tests.streaming.cmaf.clips import Clip
from tests.vods.onair import House, OnAir, stored, units_of
from vods.library import timeline_of
from vods.models import Bundle, Vod, VodState
from vods.storage import media
from workers.models import Step


def test_a_broadcast_becomes_a_vod_frame_by_frame(air: OnAir, clip: Clip, house: House, storage: Path) -> None:
    air.send(clip)
    house.sweep()
    vod = Vod.objects.get()
    assert vod.state == VodState.RECORDING
    assert [bundle.count for bundle in Bundle.objects.filter(rendition__name=SOURCE)] == [10]
    house.hear(air.end())
    assert house.errors() == {}
    assert [step.name for step in Step.objects.unsettled()] == ["ladder"]  # it waits for the last live segments
    vod.refresh_from_db()
    assert vod.state == VodState.READY
    assert abs(vod.duration_ms - 25_000) <= 34
    for name in (SOURCE, AUDIO):
        rendition = vod.renditions.get(name=name)
        assert rendition.complete
        timeline = timeline_of(rendition)
        assert timeline.lost == 0
        data = b"".join(media().read(one.key, one.offset, one.size) for one in timeline.segments)
        assert units_of(data) == air.units(name)
        sections = {init.number: bytes(init.data) for init in rendition.inits.all()}
        assert sections == {number: section.data for number, section in air.packed.inits[name].items()}
    assert vod.size == sum(len(data) for data in stored(storage).values())
