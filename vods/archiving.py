"""When what of a broadcast is archived: the VOD that begins with it, the steps that are due, and its end.

The dispatcher calls these whenever it hears of a broadcast, and every few seconds for all: each may be called any
number of times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from streaming import on_air
from streaming.bus import archive as bus_archive
from streaming.bus import reading
from streaming.media import Description
from streaming.models import Broadcast
from vods.models import Vod, VodState
from vods.recording import RUN, run_of
from vods.services.settings import settings_of
from vods.steps import Lane, StepSpec
from vods.work.chat import SPAN, chat_step

log = structlog.get_logger(__name__)

LAG = 2
"""A run is archived when the source is so many segments behind it: by then the ladder is through with it, or GAP."""
LOOK_BACK = timedelta(minutes=10)
"""How long the bus keeps an ended broadcast; one that was overlooked for longer is lost."""


def begin(*, broadcast_id: UUID) -> Vod | None:
    """The VOD that a broadcast is recorded into, begun if it is the first time; None if it isn't to be recorded, or
    no more."""
    found = Vod.objects.filter(broadcast=broadcast_id).first() or _begun(broadcast_id)
    return found if found is not None and found.state == VodState.RECORDING else None


def due_runs(*, newest_msn: int, since: int = 0) -> list[StepSpec]:
    """The steps that archive all that is over by now, media and chat; `since` is the first MSN that has no step yet."""
    runs = range(run_of(since), run_of(max(0, newest_msn - LAG)), RUN)
    chats = [chat_step(first + RUN - SPAN) for first in runs if (first + RUN) % SPAN == 0]
    return [*(archive_step(first, RUN) for first in runs), *chats]


def archive_step(first: int, count: int) -> StepSpec:
    return StepSpec(
        name=f"archive {first}", work="archive", arguments={"first": first, "count": count}, lane=Lane.PROMPT
    )


SEAL = StepSpec(name="seal", work="seal", lane=Lane.PROMPT)


def ended(*, broadcast_id: UUID) -> Vod | None:
    """The VOD that is to be sealed, now that its broadcast is over; None if there is none, or not any more."""
    begin(broadcast_id=broadcast_id)
    vod = Vod.objects.existing().filter(broadcast=broadcast_id, broadcast__ended_at__isnull=False).first()
    if vod is None or vod.state not in (VodState.RECORDING, VodState.SEALING):
        return None
    with transaction.atomic():
        broadcast = Broadcast.objects.get(pk=broadcast_id)
        # Its title could be changed until now.
        Vod.objects.filter(pk=vod.pk, state=VodState.RECORDING).update(
            state=VodState.SEALING, title=broadcast.title, category=broadcast.category_id
        )
    return vod


def overlooked(*, now: datetime) -> Iterator[UUID]:
    """Broadcasts that ended and whose VOD doesn't know: the event was lost."""
    over = Broadcast.objects.filter(ended_at__isnull=False)
    yield from over.filter(vod__state=VodState.RECORDING).values_list("pk", flat=True)
    yield from over.filter(vod=None, ended_at__gte=now - LOOK_BACK).values_list("pk", flat=True)


def _begun(broadcast_id: UUID) -> Vod | None:
    broadcast = Broadcast.objects.select_related("channel").filter(pk=broadcast_id).first()
    if broadcast is None:
        return None
    chosen = settings_of(broadcast.channel_id)
    description: Description | None = on_air.bus().run(reading.description(str(broadcast_id)))
    if not chosen.archives or description is None or not description.renditions:
        return None
    vod, made = Vod.objects.get_or_create(
        broadcast=broadcast,
        defaults={
            "channel": broadcast.channel,
            "title": broadcast.title,
            "category_id": broadcast.category_id,
            "visibility": chosen.visibility,
            "downloads": chosen.downloads,
            "recorded_at": broadcast.started_at,
        },
    )
    if made:
        # From now on the bus keeps everything until it is archived.
        on_air.bus().run(bus_archive.hold(str(broadcast_id), 0))
        log.info("archive.begun", broadcast=str(broadcast_id), vod=str(vod.pk))
    return vod
