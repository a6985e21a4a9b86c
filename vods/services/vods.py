"""A VOD's title, visibility, chapters and end. Who may is the caller's to check: the channel's user, or the house."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Coalesce, Extract, Power

from streaming.models import MAX_TITLE
from vods.errors import BadRange, BadText, NotReady, TooMany, UnknownVod
from vods.models import Asset, AssetKind, Chapter, Vod, VodKind, VodState
from vods.models.vod import MAX_DESCRIPTION
from vods.models.watching import MAX_CHAPTER
from vods.tiers import HALF_LIFE
from vods.wanted import WorkflowKind, want

CHANGEABLE = {"title", "description", "category", "visibility", "downloads", "kept"}
MAX_CHAPTERS = 200
MAX_HIGHLIGHTS = 100
LEAST_HIGHLIGHT_MS = 5_000
WATCHED_EVERY = timedelta(minutes=10)
"""So often it is written down that a VOD is watched: what hangs on it is reckoned in days."""
IN_COLD_STORAGE = "This video is in cold storage. Have it brought back first."


def edit_vod(*, vod_id: UUID, **changes: Any) -> None:
    """Changes some of CHANGEABLE. Raises UnknownVod, BadText."""
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"no such fields: {', '.join(sorted(unknown))}")
    if len(changes.get("title", "")) > MAX_TITLE:
        raise BadText(f"A title has at most {MAX_TITLE} characters.")
    if len(changes.get("description", "")) > MAX_DESCRIPTION:
        raise BadText(f"A description has at most {MAX_DESCRIPTION} characters.")
    if Vod.objects.existing().filter(pk=vod_id).update(**changes) == 0:
        raise UnknownVod


@transaction.atomic
def set_chapters(*, vod_id: UUID, chapters: Sequence[tuple[int, str]]) -> None:
    """Replaces the VOD's chapters by these `(ms from the start, title)`. Raises UnknownVod, BadText."""
    vod = Vod.objects.existing().filter(pk=vod_id).select_for_update(no_key=True).first()
    if vod is None:
        raise UnknownVod
    if len(chapters) > MAX_CHAPTERS:
        raise BadText(f"A video has at most {MAX_CHAPTERS} chapters.")
    if any(not 0 < len(title.strip()) <= MAX_CHAPTER for _, title in chapters):
        raise BadText(f"A chapter's title has 1 to {MAX_CHAPTER} characters.")
    if len({at_ms for at_ms, _ in chapters}) < len(chapters) or any(
        not 0 <= at_ms < max(1, vod.duration_ms) for at_ms, _ in chapters
    ):
        raise BadText("Each chapter begins at a moment of its own within the video.")
    vod.chapters.all().delete()
    Chapter.objects.bulk_create([Chapter(vod=vod, at_ms=at_ms, title=title.strip()) for at_ms, title in chapters])


@transaction.atomic
def change_video(*, vod_id: UUID, chapters: Sequence[tuple[int, str]], **changes: Any) -> None:
    """`edit_vod` and `set_chapters`, both or neither. Raises UnknownVod, BadText."""
    edit_vod(vod_id=vod_id, **changes)
    set_chapters(vod_id=vod_id, chapters=chapters)


@transaction.atomic
def choose_poster(*, vod_id: UUID, at_ms: int, now: datetime) -> None:
    """Has the poster show another moment; the one that is there stays until then.

    Raises UnknownVod, NotReady, BadRange.
    """
    vod = playing_vod(vod_id)
    if not 0 <= at_ms < max(1, vod.duration_ms):
        raise BadRange("The thumbnail shows a moment of the video.")
    Vod.objects.filter(pk=vod_id).update(poster_ms=at_ms)
    poster, _ = Asset.objects.select_for_update().get_or_create(vod=vod, kind=AssetKind.POSTER, number=0)
    poster.facts = {**poster.facts, "asked": now.isoformat()}
    poster.save(update_fields=["facts"])
    want(WorkflowKind.POSTER, vod_id)


@transaction.atomic
def make_highlight(*, vod_id: UUID, from_ms: int, to_ms: int, title: str, now: datetime) -> Vod:
    """Cuts a range out of a VOD into one of its own, in the background; it is as visible as what it is cut from.

    Raises UnknownVod, NotReady, BadRange, BadText, TooMany.
    """
    vod = playing_vod(vod_id)
    if len(title) > MAX_TITLE:
        raise BadText(f"A title has at most {MAX_TITLE} characters.")
    if not 0 <= from_ms < to_ms <= vod.duration_ms or to_ms - from_ms < LEAST_HIGHLIGHT_MS:
        raise BadRange(f"A highlight has at least {LEAST_HIGHLIGHT_MS // 1000} seconds of the video.")
    if vod.highlights.existing().count() >= MAX_HIGHLIGHTS:
        raise TooMany(f"A video has at most {MAX_HIGHLIGHTS} highlights.")
    made = Vod.objects.create(
        channel_id=vod.channel_id,
        kind=VodKind.HIGHLIGHT,
        source=vod,
        from_ms=from_ms,
        to_ms=to_ms,
        state=VodState.SEALING,
        title=title or f"Highlight: {vod.headline}"[:MAX_TITLE],
        category_id=vod.category_id,
        visibility=vod.visibility,
        downloads=vod.downloads,
        recorded_at=now,
    )
    want(WorkflowKind.HIGHLIGHT, made.pk)
    return made


def playing_vod(vod_id: UUID) -> Vod:
    """The VOD, held until the transaction ends, with its channel. Raises UnknownVod, NotReady, as where it is cold."""
    vod = (
        Vod.objects.existing()
        .select_related("channel__user")
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=vod_id)
        .first()
    )
    if vod is None:
        raise UnknownVod
    if not vod.plays:
        raise NotReady("This video does not play yet.")
    if not vod.at_hand:
        raise NotReady(IN_COLD_STORAGE)
    return vod


@transaction.atomic
def delete_vod(*, vod_id: UUID) -> None:
    """Takes the VOD away from everybody at once; its media goes in the background. Raises UnknownVod, NotReady.

    A broadcast that is on is still being archived: its streamer ends it first.
    """
    if Vod.objects.filter(pk=vod_id, state=VodState.RECORDING, broadcast__ended_at=None).exists():
        raise NotReady("This broadcast is on. End it first, then delete its video.")
    if Vod.objects.existing().filter(pk=vod_id).update(state=VodState.DELETING) == 0:
        raise UnknownVod
    want(WorkflowKind.DELETE_VOD, vod_id)


def count_view(*, vod_id: UUID, new: bool, now: datetime) -> None:
    """Somebody watches, as every player says again and again; `new` if that is another viewer."""
    cooled = F("heat") * Power(0.5, _seconds_since(F("watched_at"), now) / HALF_LIFE.total_seconds())
    rows = Vod.objects.ready().filter(pk=vod_id)
    if not new:
        rows = rows.exclude(watched_at__gt=now - WATCHED_EVERY)
    rows.update(views=F("views") + int(new), heat=Coalesce(cooled, 0.0) + int(new), watched_at=now)


def _seconds_since(at: F, now: datetime) -> Extract:
    passed = ExpressionWrapper(Value(now, DateTimeField()) - at, DurationField())
    return Extract(passed, "epoch")
