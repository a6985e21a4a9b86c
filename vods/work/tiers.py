"""The step of each day that finds what belongs in another tier, and the steps that carry a move out.

A move copies object by object, each to the same name, and may be begun anew anywhere: what lies in its tier already
stays there. What is away is asked for first, and looked for until all of it has come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from vods.models import Bundle, ClipState, ColdEnd, Tier, Vod, VodState
from vods.models.asset import MOVED
from vods.models.vod import AT_HAND, VodQuerySet
from vods.services.tiers import begin_given_up_moves, begin_move, end_move, give_up_move, note_recall
from vods.steps import Hopeless, Job, Outcome, StepSpec
from vods.storage import MediaStorage, media
from vods.tiers import Limits, heat_now, idle_since, wanted_tier

MOVE = StepSpec(name="move", work="move", arguments={"looks": 0})
LOOK_SECONDS = 600.0
MOST_LOOKS = 432
"""Three days: S3's slowest way from DEEP_ARCHIVE takes two."""

log = structlog.get_logger(__name__)


def limits() -> Limits:
    """What the settings say."""
    warm, cold, end = (timedelta(days=days) for days in settings.TIER_DAYS)
    return Limits(warm, cold, end, hot_views=settings.TIER_HOT_VIEWS)


def apply_tiers(_job: Job) -> Outcome:
    """Begins given-up moves anew; has every VOD move that belongs in another tier, if the house wants that."""
    return Outcome(write=partial(_apply, limits() if settings.TIERS else None, now=timezone.now()))


def move_media(job: Job) -> Outcome:
    """Moves all media of a VOD, or looks whether it has come and is looked for again later.

    Raises Abandoned, Hopeless, and what storage raises.
    """
    vod = _moving(job.subject)
    if vod is None:
        return Outcome()  # it was deleted
    storage, to = media(), Tier(vod.moving_to)
    keys = media_keys(vod)
    if vod.tier not in AT_HAND and not _have_come(storage, keys, to, job):
        looks = job.arguments["looks"] + 1
        if looks > MOST_LOOKS:
            raise Hopeless("Its media was asked for, and did not come back from cold storage.")
        look = StepSpec(name=f"look {looks}", work="move", arguments={"looks": looks}, delay=LOOK_SECONDS)
        return Outcome(write=partial(note_recall, move=job.subject, now=timezone.now()), then=(look,))

    for key in keys:
        if _moving(job.subject) is None:
            return Outcome()
        storage.move(key, to, job.check)
    log.info("tier.moved", vod=str(vod.pk), tier=to.value, objects=len(keys))
    return Outcome(write=partial(end_move, move=job.subject, now=timezone.now()))


def move_died(move: UUID, _arguments: Mapping[str, Any], _error: str) -> None:
    give_up_move(move=move)


def media_keys(vod: Vod) -> list[str]:
    """The objects of a VOD that lie in its tier."""
    bundles = Bundle.objects.filter(rendition__vod=vod).exclude(key="").values_list("key", flat=True)
    files = vod.assets.ready().filter(kind__in=MOVED).values_list("key", flat=True)
    return [*bundles, *files]


def _moving(move: UUID) -> Vod | None:
    return Vod.objects.moving().filter(move=move).first()


def _have_come(storage: MediaStorage, keys: list[str], to: Tier, job: Job) -> bool:
    """Whether all objects can be moved; the first time every one is asked for."""

    def answers() -> Iterator[bool]:
        for key in keys:
            job.check()
            yield storage.recall(key, to)

    return all(answers() if job.arguments["looks"] else list(answers()))


def _apply(bounds: Limits | None, *, now: datetime) -> None:
    begin_given_up_moves(now=now)
    if bounds is None:
        return
    facts = ("pk", "tier", "ready_at", "watched_at", "brought_up_at", "heat", "channel__vod_settings__cold_end")
    for pk, tier, ready_at, watched_at, brought_up_at, heat, cold_end in _settled().values_list(*facts).iterator():
        to = wanted_tier(
            Tier(tier),
            idle=now - idle_since(ready_at=ready_at, watched_at=watched_at, brought_up_at=brought_up_at),
            heat=heat_now(heat, watched_at, now=now),
            limits=bounds,
            archives=cold_end != ColdEnd.DELETE,
        )
        if to != tier:
            begin_move(vod_id=pk, to=to, now=now)


def _settled() -> VodQuerySet:
    """VODs of which nothing is being cut, and which are not on a move."""
    return (
        Vod.objects.ready()
        .filter(move=None, ready_at__isnull=False)
        .exclude(highlights__state=VodState.SEALING)
        .exclude(clips__state=ClipState.MAKING)
    )
