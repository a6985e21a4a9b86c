"""The steps that make a clip, an MP4 of the very pictures shown from one moment to another, and that remove it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from PIL import Image

from streaming.cmaf.movie import MOVIE_TIMESCALE
from vods.film import Film
from vods.models import Clip, ClipState, Vod, VodState
from vods.steps import Hopeless, Job, Lane, Outcome, StepSpec
from vods.storage import media
from vods.work.movies import put_movie
from vods.work.pictures import picture_near, still

CLIP = StepSpec(name="clip", work="clip", lane=Lane.PROMPT)
REMOVE_CLIP = StepSpec(name="remove", work="remove-clip")
POSTER_WIDTH = 1280


class NotArchived(Exception):
    """The broadcast is on, and the end of the clip is on its way into the archive: try again."""


def make_clip(job: Job) -> Outcome:
    """Cuts the clip without encoding anything.

    The file begins with the key frame before its beginning, and says where to begin: players show what was asked for,
    to the picture. Raises NotArchived.
    """
    clip = Clip.objects.filter(pk=job.subject, state=ClipState.MAKING).select_related("vod").first()
    if clip is None:
        return Outcome()
    vod = clip.vod
    if vod is None or vod.state not in (VodState.RECORDING, VodState.SEALING, VodState.READY):
        raise Hopeless("The video that it is cut from is gone.")
    film = _film(vod)
    if not vod.plays and film.lead.timeline.duration_ms < clip.to_ms:
        raise NotArchived(f"{film.lead.timeline.duration_ms} of {clip.to_ms} ms are archived")
    if not film.has_video:
        raise Hopeless("There is no picture in this video.")
    reel, (begin, end) = film.cut(clip.from_ms, clip.to_ms)
    scale = film.lead.timescale
    window = (begin * MOVIE_TIMESCALE // scale, end * MOVIE_TIMESCALE // scale)
    storage = media()
    key, poster_key = f"{clip.prefix}clip.mp4", f"{clip.prefix}poster.jpg"
    size = put_movie(storage, key, film, reel, pulse=lambda _done, _of: job.check(), window=window)
    picture = still(storage, film.lead, picture_near(film.lead, clip.from_ms), width=POSTER_WIDTH)
    storage.put(poster_key, picture)
    with Image.open(io.BytesIO(picture)) as image:
        width, height = image.size
    made = {"key": key, "poster_key": poster_key, "size": size, "width": width, "height": height}
    return Outcome(write=lambda: _write(clip.pk, made))


def clip_died(clip_id: UUID, _arguments: Mapping[str, Any], error: str) -> None:
    Clip.objects.filter(pk=clip_id, state=ClipState.MAKING).update(state=ClipState.FAILED, error=error)


def remove_clip(job: Job) -> Outcome:
    """Removes a clip's objects, and its row."""
    clip = Clip.objects.filter(pk=job.subject, state=ClipState.DELETING).first()
    if clip is None:
        return Outcome()
    media().remove_all(clip.prefix)
    return Outcome(write=lambda: _forget(clip.pk))


def _film(vod: Vod) -> Film:
    return Film.of(vod) if vod.plays else Film.so_far(vod)


def _write(clip_id: UUID, made: Mapping[str, Any]) -> None:
    Clip.objects.filter(pk=clip_id, state=ClipState.MAKING).update(state=ClipState.READY, **made)


def _forget(clip_id: UUID) -> None:
    Clip.objects.filter(pk=clip_id, state=ClipState.DELETING).delete()
