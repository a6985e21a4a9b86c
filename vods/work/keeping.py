"""What is done once a day: VODs go which are past their retention or beyond their channel's quota, media moves to the
tier it belongs in, and what storage costs is written down."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from streaming.models import Channel
from vods.costs import monthly_cost, sizes_by_tier
from vods.errors import VodError
from vods.models import Clip, ColdEnd, StorageDay, Vod, VodSettings
from vods.retention import Held, Verdict, decide
from vods.services.vods import delete_vod
from vods.steps import Job, Lane, Outcome, StepSpec
from vods.tiers import idle_since
from vods.work.warning import warnings_of

log = structlog.get_logger(__name__)

KEEPING = tuple(StepSpec(name=work, work=work, lane=Lane.SLOW) for work in ("retention", "tiers", "costs"))
KEEP_DAYS = 400
"""How long one can look up what storage cost."""


def keeping_of(day: date) -> UUID:
    """The subject of a day's workflow: there is one each day, however many dispatchers there are."""
    return uuid5(NAMESPACE_URL, f"keeping:{day.isoformat()}")


def apply_retention(_job: Job) -> Outcome:
    """Marks what is to go in a week, which its streamer is then written, and deletes what was marked so long ago."""
    now = timezone.now()
    return Outcome(write=partial(_apply, now), then=(warnings_of(now),))


def record_costs(_job: Job) -> Outcome:
    """Writes down what each channel takes in each tier today."""
    return Outcome(write=partial(_record, timezone.now().date()))


def _record(today: date) -> None:
    sizes = sizes_by_tier(Vod.objects.existing(), Clip.objects.existing())
    StorageDay.objects.filter(Q(day=today) | Q(day__lt=today - timedelta(days=KEEP_DAYS))).delete()
    StorageDay.objects.bulk_create(
        StorageDay(channel_id=channel, day=today, tier=tier, size=size, cost=monthly_cost(size, tier))
        for (channel, tier), size in sizes.items()
    )


def _apply(now: datetime) -> None:
    bounded = VodSettings.objects.filter(
        Q(retention_days__isnull=False) | Q(quota__isnull=False) | Q(cold_end=ColdEnd.DELETE)
    )
    warned = Channel.objects.filter(vods__warned_at__isnull=False)
    for channel in Channel.objects.filter(Q(vod_settings__in=bounded) | Q(pk__in=warned)).distinct():
        _apply_to(channel, now=now)


def _apply_to(channel: Channel, *, now: datetime) -> None:
    chosen = VodSettings.objects.filter(channel=channel).first()
    days = chosen.retention_days if chosen else None
    vods = Vod.objects.ready().filter(channel=channel)
    end = timedelta(days=settings.TIER_DAYS[2]) if chosen and chosen.cold_end == ColdEnd.DELETE else None
    held = [
        Held(
            vod=vod.pk,
            ready_at=vod.ready_at,
            size=vod.size,
            kept=vod.kept,
            expires_at=vod.expires_at,
            warned_at=vod.warned_at,
            ends_at=_idle_since(vod, vod.ready_at) + end if end is not None else None,
        )
        for vod in vods
        if vod.ready_at is not None
    ]
    changes = decide(
        held,
        retention=timedelta(days=days) if days is not None else None,
        quota=chosen.quota if chosen else None,
        now=now,
    )
    for vod_id, verdict, at in changes:
        assert isinstance(vod_id, UUID)
        if verdict is Verdict.WARN:
            Vod.objects.filter(pk=vod_id).update(warned_at=now, expires_at=at)
        elif verdict is Verdict.STAY:
            Vod.objects.filter(pk=vod_id).update(warned_at=None, expires_at=None)
        else:
            _let_go(vod_id)


def _idle_since(vod: Vod, ready_at: datetime) -> datetime:
    return idle_since(ready_at=ready_at, watched_at=vod.watched_at, brought_up_at=vod.brought_up_at)


def _let_go(vod_id: UUID) -> None:
    try:
        delete_vod(vod_id=vod_id)
    except VodError as error:
        log.info("retention.left", vod=str(vod_id), why=str(error))
    else:
        log.info("retention.deleted", vod=str(vod_id))
