"""The archive of broadcasts that are live, as playback asks for it: `streaming.playback.archive.Archive`.

It answers for a broadcast that is being recorded, if its channel lets viewers seek back, and for one that has ended as
long as anybody may watch its VOD.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from streaming.models import Broadcast
from streaming.playback.archive import Archived
from vods.access import is_open
from vods.library import leading_rendition, timeline_of
from vods.models import Bundle, InitSection, Vod, VodRendition, VodState
from vods.playback.ranges import Files
from vods.playback.recent import Recent
from vods.playback.shelf import ask
from vods.recording import RUN, run_of
from vods.segments import StoredSegment
from vods.services.settings import settings_of

FRESH_S = 2.0
LISTS = 256
PATIENCE_RUNS = 3
"""A run that so many later ones have overtaken is lost."""
RUNS = 4_096


class Recordings:
    """`clock` is a steady one in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._files = Files()
        self._open: Recent[bool] = Recent(most=LISTS, seconds=FRESH_S, clock=clock)
        self._lists: Recent[Sequence[Archived] | None] = Recent(most=LISTS, seconds=FRESH_S, clock=clock)
        self._runs: Recent[dict[int, StoredSegment]] = Recent(most=RUNS, seconds=FRESH_S, clock=clock)

    async def segments(self, broadcast: str, rendition: str) -> Sequence[Archived] | None:
        return await self._lists.get((broadcast, rendition), lambda: ask(_list, broadcast, rendition))

    async def segment(self, broadcast: str, rendition: str, msn: int) -> bytes | None:
        if not await self._open.get(broadcast, lambda: ask(_is_open, broadcast)):
            return None
        first = run_of(msn)
        run = await self._runs.get((broadcast, rendition, first), lambda: ask(_run, broadcast, rendition, first))
        segment = run.get(msn)
        if segment is None or segment.gap:
            return None
        try:
            return await self._files.part(segment.key, segment.offset, segment.size)
        except FileNotFoundError:  # it was deleted a moment ago
            return None

    async def init(self, broadcast: str, rendition: str, number: int) -> bytes | None:
        if not await self._open.get(broadcast, lambda: ask(_is_open, broadcast)):
            return None
        return await ask(_init, broadcast, rendition, number)


def _recorded(broadcast: str) -> Vod | None:
    """The recording, if whoever asks may have it."""
    vod = Vod.objects.select_related("channel__user").filter(broadcast=UUID(broadcast)).first()
    if vod is None:
        return None
    if vod.state in (VodState.RECORDING, VodState.SEALING):
        return vod if settings_of(vod.channel_id).dvr else None
    return vod if vod.plays and vod.at_hand and is_open(vod) else None


def _is_open(broadcast: str) -> bool:
    return _recorded(broadcast) is not None


def _list(broadcast: str, name: str) -> list[Archived] | None:
    vod = _recorded(broadcast)
    if vod is None:
        return [] if _is_about_to_begin(broadcast) else None
    rendition = vod.renditions.filter(name=name).first()
    return [] if rendition is None else _settled(vod, rendition)


def _is_about_to_begin(broadcast: str) -> bool:
    """Whether the first run of a broadcast that can be watched from its start is not archived yet."""
    found = Broadcast.objects.open().filter(pk=broadcast, vod=None).first()
    return found is not None and settings_of(found.channel_id).dvr


def _settled(vod: Vod, rendition: VodRendition) -> list[Archived]:
    """The segments of which nothing will change any more: up to a hole that a run may still come to fill.

    A run is archived in all renditions at once, so one that the leading rendition has is no hole in another.
    """
    segments = timeline_of(rendition).segments
    settled = run_of(segments[-1].msn) - PATIENCE_RUNS * RUN if segments else 0
    lead = leading_rendition(vod)
    runs = lead.bundles.values_list("first_msn", flat=True) if lead else []
    there = {run_of(first) for first in runs}
    found = []
    for segment in segments:
        if segment.msn >= settled and run_of(segment.msn) not in there:
            break
        times = (segment.msn, segment.dts, segment.duration, segment.wall_ms, segment.discontinuity, segment.init)
        found.append(Archived(*times, gap=segment.gap))
    return found


def _run(broadcast: str, name: str, first: int) -> dict[int, StoredSegment]:
    bundles = Bundle.objects.filter(rendition__vod__broadcast=UUID(broadcast), rendition__name=name).within(first, RUN)
    return {segment.msn: segment for bundle in bundles for segment in bundle.segments}


def _init(broadcast: str, name: str, number: int) -> bytes | None:
    rows = InitSection.objects.filter(rendition__vod__broadcast=UUID(broadcast), rendition__name=name, number=number)
    found = rows.first()
    return bytes(found.data) if found else None
