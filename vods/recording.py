"""From the media bus into storage: runs of segments become bundles.

A run is `RUN` segments from a multiple of it on, in every rendition that is there: one object each. It may be recorded
any number of times; who enters it first has recorded it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from streaming import on_air
from streaming.bus import archive as bus_archive
from streaming.bus import reading
from streaming.bus.errors import BusError, SegmentGone
from streaming.media import AUDIO, Chunk, Description, Rendition
from vods.models import Bundle, InitSection, Vod, VodRendition, VodState
from vods.segments import RecordedSegment, assemble, bridge, fill_from
from vods.storage import MediaStorage

RUN = 10
"""Segments of a run: at 2 s each, 180 objects an hour and rendition."""

log = structlog.get_logger(__name__)


class StorageCorrupt(Exception):
    """Storage gave back other bytes than were put."""


class BusForgot(Exception):
    """The bus has lost its memory of something that it had to know."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A rendition's part of a run, as it lies in storage now: the row to be, and the init sections it needs. `place` is
    that of the rendition in the broadcast's description."""

    place: int
    rendition: Rendition
    bundle: Bundle
    inits: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """Segments `first` to `first + count - 1`. `lost` of them were gone. `held_ms`: the bus needs to keep what was
    appended from then on."""

    first: int
    count: int
    recorded: list[Recorded]
    lost: int
    held_ms: int | None
    target_duration: int


def run_of(msn: int) -> int:
    """The first MSN of the run that a segment is in."""
    return msn - msn % RUN


def record_run(
    bus: reading.Runner,
    media: MediaStorage,
    vod: Vod,
    description: Description,
    first: int,
    count: int,
    *,
    only: frozenset[str] | None = None,
) -> RecordedRun:
    """Copies a run of the renditions, `only` those named if any, from the bus to storage, and reads it back.

    What the bus has lost becomes gaps. Raises BusError, StorageCorrupt, and what storage raises.
    """
    broadcast = str(vod.broadcast_id)
    lead = description.renditions[0]
    chunks = read_chunks(bus, broadcast, lead.name, first, count)
    leading = bridge(assemble(chunks, holes_are_gaps=False))
    held_ms = bus.run(bus_archive.appended_ms(broadcast, lead.name, first + count))
    recorded = []
    for place, rendition in enumerate(description.renditions):
        if only is not None and rendition.name not in only:
            continue
        segments = leading if rendition is lead else _beside(bus, broadcast, rendition, leading, lead, first, count)
        if segments:
            bundle = store(media, vod.prefix, rendition.name, segments)
            recorded.append(Recorded(place, rendition, bundle, _inits(bus, broadcast, rendition.name, segments)))
    lost = count - sum(not segment.gap for segment in leading)
    return RecordedRun(first, count, recorded, lost, held_ms, description.target_duration)


def enter_run(vod_id: UUID, run: RecordedRun) -> None:
    """Writes what was recorded to the database, unless another has done so; within the caller's transaction."""
    vod = Vod.objects.select_for_update(no_key=True).get(pk=vod_id)
    if vod.state in (VodState.DELETING, VodState.DELETED):
        return
    size = added_ms = 0
    overtook = False
    for recorded in run.recorded:
        rendition = rendition_row(vod, recorded.rendition, recorded.place)
        if rendition.bundles.within(run.first, run.count).exists():
            continue
        InitSection.objects.bulk_create(
            [InitSection(rendition=rendition, number=number, data=data) for number, data in recorded.inits.items()],
            ignore_conflicts=True,
        )
        recorded.bundle.rendition = rendition
        recorded.bundle.save(force_insert=True)
        size += recorded.bundle.size
        if recorded.place == 0:
            # Should a run have been overtaken, the bus keeps it until it comes, or its neighbour behind does.
            overtook = run.first > 0 and not rendition.bundles.within(run.first - RUN, RUN).exists()
            added_ms = sum(recorded.bundle.durations) * 1000 // rendition.timescale
    Vod.objects.filter(pk=vod_id).update(
        size=F("size") + size,
        duration_ms=F("duration_ms") + added_ms,
        target_duration=Greatest(F("target_duration"), run.target_duration),
    )
    if run.held_ms is not None and not overtook:
        held_ms = run.held_ms
        transaction.on_commit(lambda: _let_go(str(vod.broadcast_id), held_ms))


def store(media: MediaStorage, prefix: str, rendition: str, segments: Sequence[RecordedSegment]) -> Bundle:
    """Puts segments as one object, reads it back, and answers its row, whose rendition isn't set yet.

    Raises StorageCorrupt, and what storage raises.
    """
    data = b"".join(segment.data for segment in segments)
    checksum = crc32(data)
    key = f"{prefix}{rendition}/{segments[0].msn:08}-{checksum:08x}.m4s" if data else ""
    if data:
        media.put(key, data)
        if crc32(media.read(key)) != checksum:
            raise StorageCorrupt(f"{key} reads other than it was written")
    return Bundle(
        first_msn=segments[0].msn,
        count=len(segments),
        key=key,
        size=len(data),
        crc32=checksum,
        sizes=[len(segment.data) for segment in segments],
        dts=[segment.dts for segment in segments],
        durations=[segment.duration for segment in segments],
        walls_ms=[segment.wall_ms for segment in segments],
        discontinuities=[segment.discontinuity for segment in segments],
        inits=[segment.init for segment in segments],
    )


def read_chunks(bus: reading.Runner, broadcast: str, rendition: str, first: int, count: int) -> list[Chunk]:
    """The rendition's chunks of these segments that are on the bus; whole segments only. Raises BusError."""
    try:
        at = bus.run(reading.start_of(broadcast, rendition, first))
    except SegmentGone as gone:
        if gone.found >= first + count:
            return []
        at = bus.run(reading.start_of(broadcast, rendition, gone.found))
    found: list[Chunk] = []
    while entries := bus.run(reading.chunks(broadcast, {rendition: at}, block_ms=0)).get(rendition):
        at = entries[-1][0]
        for _, chunk in entries:
            if chunk.msn >= first + count:
                return found
            # What was trimmed from its start is not whole.
            if chunk.msn >= first and (chunk.part == 0 or (found and found[-1].msn == chunk.msn)):
                found.append(chunk)
    return found


def _beside(
    bus: reading.Runner,
    broadcast: str,
    rendition: Rendition,
    leading: Sequence[RecordedSegment],
    lead: Rendition,
    first: int,
    count: int,
) -> list[RecordedSegment]:
    """A rendition's segments next to the leading ones; none if it did not run at all."""
    chunks = read_chunks(bus, broadcast, rendition.name, first, count)
    found = assemble(chunks, holes_are_gaps=rendition.name != AUDIO)
    if all(segment.gap for segment in found.values()):
        return []
    return fill_from(found, leading, timescale=rendition.timescale, like_timescale=lead.timescale)


def _inits(
    bus: reading.Runner, broadcast: str, rendition: str, segments: Sequence[RecordedSegment]
) -> dict[int, bytes]:
    inits = {}
    for number in {segment.init for segment in segments if not segment.gap}:
        section = bus.run(reading.init_section(broadcast, rendition, number))
        if section is None:
            raise BusForgot(f"init section {number} of {rendition} is not on the bus")
        inits[number] = section
    return inits


def rendition_row(vod: Vod, rendition: Rendition, place: int) -> VodRendition:
    """The VOD's row of a rendition, made or brought up to date."""
    facts = {
        "codecs": rendition.codecs,
        "bandwidth": rendition.bandwidth,
        "width": rendition.width,
        "height": rendition.height,
        "frame_rate": rendition.frame_rate,
        "timescale": rendition.timescale,
    }
    row, _ = VodRendition.objects.update_or_create(
        # Its place too: a picture that comes later goes before the sound that was alone.
        vod=vod,
        name=rendition.name,
        defaults={**facts, "place": place},
    )
    return row


def _let_go(broadcast: str, held_ms: int) -> None:
    try:
        on_air.bus().run(bus_archive.hold(broadcast, held_ms))
    except BusError as error:
        log.warning("archive.hold", broadcast=broadcast, error=str(error))
