"""The step that cuts a highlight: whole segments of another VOD, copied, so that it plays when that one is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from vods.film import Reader
from vods.library import leading_rendition, timeline_of
from vods.models import Asset, Bundle, InitSection, Vod, VodRendition, VodState
from vods.recording import RUN, store
from vods.segments import RecordedSegment, StoredSegment
from vods.steps import Hopeless, Job, Lane, Outcome, StepSpec
from vods.storage import MediaStorage, media
from vods.timeline import Timeline
from vods.work.seal import MADE, PRODUCTS

CUT = StepSpec(name="cut", work="cut", lane=Lane.PROMPT)
SOURCE_GONE = "The video that it is cut from is gone."


@dataclass(frozen=True, slots=True)
class Strip:
    """A rendition's part of the highlight: the row it is copied from, and its bundles in storage."""

    rendition: VodRendition
    bundles: Sequence[Bundle]


def cut(job: Job) -> Outcome:
    """Copies the segments that the range touches, of all renditions that are whole.

    It begins and ends where segments do, up to two seconds or so beyond what was asked for.
    """
    vod = Vod.objects.filter(pk=job.subject, state=VodState.SEALING).select_related("source").first()
    if vod is None:
        return Outcome()
    source, from_ms, to_ms = vod.source, vod.from_ms, vod.to_ms
    if source is None or not source.plays or from_ms is None or to_ms is None:
        raise Hopeless(SOURCE_GONE)
    lead = leading_rendition(source)
    if lead is None:
        raise Hopeless(SOURCE_GONE)
    timeline = timeline_of(lead)
    chosen = timeline.segments[timeline.index_at(from_ms) : timeline.index_at(to_ms - 1) + 1]
    if all(segment.gap for segment in chosen):
        raise Hopeless("All of this part of the video was lost.")
    msns = range(chosen[0].msn, chosen[-1].msn + 1)
    strips = []
    for rendition in source.renditions.filter(complete=True):
        job.check()
        strips.append(Strip(rendition, list(_copy(media(), vod, rendition, msns))))
    return Outcome(write=lambda: _write(vod.pk, source, strips), then=PRODUCTS)


def cut_died(subject: UUID, _arguments: Mapping[str, Any], error: str) -> None:
    Vod.objects.filter(pk=subject, state=VodState.SEALING).update(state=VodState.FAILED, error=error[-500:])


def _copy(storage: MediaStorage, vod: Vod, rendition: VodRendition, msns: range) -> Iterator[Bundle]:
    reader = Reader(storage)
    segments = [segment for segment in timeline_of(rendition).segments if segment.msn in msns]
    for first in range(0, len(segments), RUN):
        run = [_read(reader, segment) for segment in segments[first : first + RUN]]
        yield store(storage, vod.prefix, rendition.name, run)


def _read(reader: Reader, segment: StoredSegment) -> RecordedSegment:
    return RecordedSegment(
        msn=segment.msn,
        dts=segment.dts,
        duration=segment.duration,
        wall_ms=segment.wall_ms,
        discontinuity=segment.discontinuity,
        init=segment.init,
        data=b"" if segment.gap else bytes(reader.read(segment)),
    )


def _write(vod_id: UUID, source: Vod, strips: Sequence[Strip]) -> None:
    vod = Vod.objects.select_for_update(no_key=True).get(pk=vod_id)
    if vod.state != VodState.SEALING:
        return
    size = 0
    for strip in strips:
        row = _rendition_row(vod, strip)
        for bundle in strip.bundles:
            bundle.rendition = row
            bundle.save(force_insert=True)
            size += bundle.size
    timeline = _timeline(strips[0])
    Vod.objects.filter(pk=vod_id).update(
        state=VodState.READY,
        ready_at=Now(),
        duration_ms=timeline.duration_ms,
        lost=timeline.lost,
        target_duration=source.target_duration,
        size=size,
    )
    Asset.objects.bulk_create([Asset(vod=vod, kind=kind) for kind in MADE], ignore_conflicts=True)


def _rendition_row(vod: Vod, strip: Strip) -> VodRendition:
    of = strip.rendition
    needed = {init for bundle in strip.bundles for init in bundle.inits}
    row = VodRendition.objects.create(
        vod=vod,
        name=of.name,
        place=of.place,
        codecs=of.codecs,
        bandwidth=max(1, _timeline(strip).peak),
        timescale=of.timescale,
        width=of.width,
        height=of.height,
        frame_rate=of.frame_rate,
        complete=True,
    )
    InitSection.objects.bulk_create(
        [InitSection(rendition=row, number=init.number, data=init.data) for init in of.inits.filter(number__in=needed)]
    )
    return row


def _timeline(strip: Strip) -> Timeline:
    segments = [segment for bundle in strip.bundles for segment in bundle.segments]
    return Timeline(segments, timescale=strip.rendition.timescale)
