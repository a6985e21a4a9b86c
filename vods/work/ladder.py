"""The steps that make every rendition of the ladder whole: what ran while the broadcast was live is taken as it is, and
what did not is encoded from the archived source, run by run, when there is time for it.

Encoding itself is the workers' affair: the work `fill` is theirs (`workers/fill.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings

from streaming import on_air
from streaming.bus import reading
from streaming.cmaf import codecs
from streaming.cmaf.track import read_video_track
from streaming.ladder import Rung, ladder
from streaming.media import AUDIO, SOURCE, VIDEO_TIMESCALE, Rendition
from vods.film import Film
from vods.library import timeline_of
from vods.models import Vod, VodRendition
from vods.recording import RUN, RecordedRun, enter_run, record_run, run_of
from vods.steps import Job, Outcome, StepSpec
from vods.storage import media
from vods.work.product import ready_vod

TAIL_RUNS = 3
"""Runs at the end of which no step has archived the ladder: those that were not over, or not yet through with it."""
SETTLE_SECONDS = 8.0
"""When the last segments of the ladder are done after the broadcast's end, or GAP."""
GATHER = StepSpec(name="ladder", work="gather-ladder", delay=SETTLE_SECONDS)


def gather_ladder(job: Job) -> Outcome:
    """Archives the ladder's last segments, and says which runs are to be filled in."""
    vod = ready_vod(job.subject)
    film = Film.of(vod)
    if film.lead.rendition.name != SOURCE:
        return Outcome()
    tail = _tail(vod, film)
    wanted = any(rungs_of(film, init) for init in film.lead.inits)
    fills = [
        StepSpec(name=f"fill {first}", work="fill", arguments={"first": first})
        for first in (_runs(film) if wanted else [])
    ]
    return Outcome(write=lambda: _enter(vod.pk, tail), then=tuple(fills))


def list_whole(vod: Vod) -> None:
    """Lists the renditions that have all that the source has by now; the caller holds the VOD's row.

    Whoever enters media of the ladder calls it, so a run that can't be filled keeps from being listed what lacks it,
    and nothing else.
    """
    has = _media_of(vod.renditions.get(name=SOURCE))
    for rendition in vod.renditions.filter(complete=False):
        if has <= _media_of(rendition):
            peak = timeline_of(rendition).peak
            VodRendition.objects.filter(pk=rendition.pk).update(complete=True, bandwidth=peak)


def _media_of(rendition: VodRendition) -> set[int]:
    """The MSNs of which a rendition has media."""
    bundles = rendition.bundles.values_list("first_msn", "sizes")
    return {first + index for first, sizes in bundles for index, size in enumerate(sizes) if size}


def rungs_of(film: Film, init: int) -> dict[int, Rung]:
    """The ladder of the source under one of its init sections, as far as the house wants it for VODs, by each rung's
    place in the multivariant playlist."""
    track = read_video_track(film.lead.inits[init])
    told = codecs.parse(track.codec, track.config)
    rate = told.frame_rate or film.lead.rendition.frame_rate
    source = Rendition(SOURCE, told.codecs, 0, VIDEO_TIMESCALE, told.width, told.height, rate)
    return {place: rung for place, rung in enumerate(ladder(source), start=1) if _is_wanted(rung.name)}


def _is_wanted(rung: str) -> bool:
    chosen: Sequence[str] = settings.VOD_LADDER
    return "all" in chosen or any(rung == name or rung.startswith(f"{name}p") for name in chosen)


def _runs(film: Film) -> list[int]:
    return sorted({run_of(segment.msn) for segment in film.lead.timeline.segments if not segment.gap})


def _tail(vod: Vod, film: Film) -> list[RecordedRun]:
    bus = on_air.bus()
    description = bus.run(reading.description(str(vod.broadcast_id))) if vod.broadcast_id else None
    if description is None:
        return []
    names = frozenset(one.name for one in description.renditions) - {SOURCE, AUDIO}
    segments = film.lead.timeline.segments
    runs = _runs(film)[-TAIL_RUNS:]
    end = segments[-1].msn + 1
    return [
        record_run(bus, media(), vod, description, first, min(RUN, end - first), only=names) for first in runs if names
    ]


def _enter(vod_id: UUID, runs: Sequence[RecordedRun]) -> None:
    for run in runs:
        enter_run(vod_id, run)
    list_whole(Vod.objects.select_for_update(no_key=True).get(pk=vod_id))
