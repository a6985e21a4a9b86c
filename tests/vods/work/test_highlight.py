"""A highlight is cut out of a VOD without touching a frame, and plays when that is gone."""

from __future__ import annotations

import pytest

from streaming.models import Channel
from tests.streaming.packed import Packed
from tests.vods.conftest import NOW
from tests.vods.recorded import packed_clip, record
from vods.library import leading_rendition, timeline_of
from vods.models import Vod, VodState
from vods.services.vods import make_highlight
from vods.steps import Hopeless, Job
from vods.storage import media
from vods.wanted import WorkflowKind
from vods.work.highlight import cut
from vods.workflows import FIRST_STEPS, WORKS, asked_for


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed_clip(tmp_path_factory.mktemp("clip"), seconds=16)


@pytest.fixture
def vod(channel: Channel, packed: Packed) -> Vod:
    return record(channel, packed)


def bodies(vod: Vod, rendition: str) -> list[bytes]:
    timeline = timeline_of(vod.renditions.get(name=rendition))
    return [media().read(one.key, one.offset, one.size) for one in timeline.segments]


def test_it_has_the_very_segments_that_the_range_touches(vod: Vod) -> None:
    made = make_highlight(vod_id=vod.pk, from_ms=5_000, to_ms=11_500, title="", now=NOW)
    assert (WorkflowKind.HIGHLIGHT, made.pk) in set(asked_for(now=NOW))
    (first,) = FIRST_STEPS[WorkflowKind.HIGHLIGHT](made.pk)
    outcome = WORKS[first.work].do(Job(made.pk))
    outcome.write()
    made.refresh_from_db()
    assert made.plays
    assert made.duration_ms == 8_000  # segments of two seconds, from 4 s to 12 s
    assert made.target_duration == vod.target_duration
    for name in ("source", "audio"):
        assert bodies(made, name) == bodies(vod, name)[2:6]
    assert all(bundle.key.startswith(made.prefix) for bundle in made.renditions.get(name="source").bundles.all())
    assert {step.name for step in outcome.then} >= {"poster", "storyboard", "mp4"}
    assert set(made.assets.values_list("state", flat=True)) == {"making"}


def test_cutting_twice_is_as_cutting_once(vod: Vod) -> None:
    made = make_highlight(vod_id=vod.pk, from_ms=0, to_ms=6_000, title="", now=NOW)
    outcomes = [cut(Job(made.pk)), cut(Job(made.pk))]
    for outcome in outcomes:
        outcome.write()
    made.refresh_from_db()
    lead = leading_rendition(made)
    assert lead is not None
    assert timeline_of(lead).duration_ms == made.duration_ms == 6_000


def test_what_it_was_to_be_cut_from_is_gone(vod: Vod) -> None:
    made = make_highlight(vod_id=vod.pk, from_ms=0, to_ms=6_000, title="", now=NOW)
    Vod.objects.filter(pk=vod.pk).update(state=VodState.DELETING)
    with pytest.raises(Hopeless):
        cut(Job(made.pk))
    WORKS["cut"].died(made.pk, {}, "gone")
    made.refresh_from_db()
    assert (made.state, made.error) == (VodState.FAILED, "gone")
