"""The step that makes an ended broadcast a VOD: the last of it is archived, all of it is there, it plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Sum
from django.db.models.functions import Now

from streaming import on_air
from streaming.bus import reading
from streaming.media import AUDIO, Description
from vods.library import leading_rendition, timeline_of
from vods.models import Asset, AssetKind, Bundle, Vod, VodRendition, VodState
from vods.recording import RUN, RecordedRun, enter_run, record_run, run_of
from vods.services.settings import settings_of
from vods.steps import Hopeless, Job, Lane, Outcome, StepSpec
from vods.storage import media
from vods.timeline import Timeline
from vods.wanted import WorkflowKind, want
from vods.work.ladder import GATHER

log = structlog.get_logger(__name__)

PRODUCTS = (
    StepSpec(name="poster", work="poster", lane=Lane.PROMPT),
    *(StepSpec(name=work, work=work) for work in ("chat", "storyboard", "mp4", "audio", "preview")),
    GATHER,
)
"""What is made of a VOD once it plays."""
MADE = (AssetKind.POSTER, AssetKind.STORYBOARD, AssetKind.MP4, AssetKind.AUDIO, AssetKind.PREVIEW, AssetKind.CHAT)
NOTHING_RECORDED = "Nothing of this broadcast was recorded."
FORGOTTEN = "Its last seconds may be missing: storage was out of reach for too long when it ended."


def seal(job: Job) -> Outcome:
    """Archives what is left of source and audio, and has the VOD play.

    Every object was read back when it was archived; here they are counted. What is missing for good is a gap, counted
    in `Vod.lost`. Renditions of the ladder and everything else follow as steps of their own.
    """
    vod = Vod.objects.existing().filter(pk=job.subject).first()
    if vod is None:
        return Outcome()
    bus = on_air.bus()
    description = bus.run(reading.description(str(vod.broadcast_id)))
    runs = [] if description is None else _rest(bus, vod, description)
    kept = settings_of(vod.channel_id).keep_broadcasts
    forgotten = FORGOTTEN if description is None else ""
    if forgotten:
        log.error("vod.forgotten", vod=str(vod.pk))
    return Outcome(write=lambda: _write(vod.pk, runs, kept=kept, note=forgotten), then=PRODUCTS if kept else ())


def seal_died(subject: UUID, _arguments: Mapping[str, Any], error: str) -> None:
    Vod.objects.filter(pk=subject, state=VodState.SEALING).update(state=VodState.FAILED, error=error[-500:])


def _rest(bus: reading.Runner, vod: Vod, description: Description) -> list[RecordedRun]:
    """Records the runs of source and audio that are not archived yet. One that has the leading rendition has both."""
    lead = description.renditions[0].name
    newest = bus.run(reading.progress(str(vod.broadcast_id))).get(lead)
    if newest is None:
        return []
    bundles = Bundle.objects.filter(rendition__vod=vod, rendition__name=lead)
    archived = {run_of(msn) for msn in bundles.values_list("first_msn", flat=True)}
    end = newest.msn + 1
    return [
        record_run(bus, media(), vod, description, first, min(RUN, end - first), only=frozenset({lead, AUDIO}))
        for first in range(0, end, RUN)
        if first not in archived
    ]


def _write(vod_id: UUID, runs: Sequence[RecordedRun], *, kept: bool, note: str) -> None:
    for run in runs:
        enter_run(vod_id, run)
    vod = Vod.objects.select_for_update(no_key=True).get(pk=vod_id)
    if vod.state in (VodState.DELETING, VodState.DELETED):
        return
    if not kept:
        Vod.objects.filter(pk=vod_id).update(state=VodState.DELETING)
        want(WorkflowKind.DELETE_VOD, vod_id)
        return
    lead = leading_rendition(vod)
    if lead is None:
        raise Hopeless(NOTHING_RECORDED)
    timeline = timeline_of(lead)
    if timeline.lost == len(timeline.segments):
        raise Hopeless(NOTHING_RECORDED)
    # A broadcast begins with segment 0: what came before the first that is there was lost too.
    lost = timeline.lost + timeline.first_msn
    if lost:
        log.error("vod.lost", vod=str(vod_id), segments=lost, of=len(timeline.segments))
    for rendition in vod.renditions.filter(name__in={lead.name, AUDIO}):
        peak = timeline.peak if rendition == lead else timeline_of(rendition).peak
        VodRendition.objects.filter(pk=rendition.pk).update(bandwidth=peak, complete=True)
    Vod.objects.filter(pk=vod_id, state__in=[VodState.SEALING, VodState.FAILED]).update(
        state=VodState.READY,
        ready_at=Now(),
        error=note,
        duration_ms=timeline.duration_ms,
        lost=lost,
        recorded_at=datetime.fromtimestamp(timeline.segments[0].wall_ms / 1000, UTC),
        target_duration=target_duration(vod.target_duration, timeline),
        size=Bundle.objects.filter(rendition__vod=vod_id).aggregate(size=Sum("size"))["size"],
    )
    Asset.objects.bulk_create([Asset(vod=vod, kind=kind) for kind in MADE], ignore_conflicts=True)


def target_duration(announced: int, timeline: Timeline) -> int:
    """EXT-X-TARGETDURATION in seconds: no segment may be longer, rounded (RFC 8216bis 4.4.3.1)."""
    scale = timeline.timescale
    longest = max((2 * segment.duration + scale) // (2 * scale) for segment in timeline.segments)
    return max(announced, longest, 1)
