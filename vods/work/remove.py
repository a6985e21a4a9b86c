"""The steps that delete a VOD: storage first, then what the database knows of it."""

from __future__ import annotations

from uuid import UUID

from vods.models import Vod, VodState
from vods.steps import Hopeless, Job, Lane, Outcome, StepSpec
from vods.storage import media

LINGER_SECONDS = 120.0
"""How long a step that was cancelled may still put an object that it had begun."""

REMOVE_VOD = (
    StepSpec(name="remove", work="remove-vod", lane=Lane.PROMPT),
    StepSpec(name="vanish", work="vanish-vod", needs=("remove",), delay=LINGER_SECONDS),
)


def remove_vod(job: Job) -> Outcome:
    """Removes every object of the VOD."""
    vod = _deleting(job.subject)
    media().remove_all(vod.prefix)
    return Outcome()


def vanish_vod(job: Job) -> Outcome:
    """Removes what came while it was being deleted, and all rows but the mark that there was such a VOD."""
    vod = _deleting(job.subject)
    media().remove_all(vod.prefix)
    return Outcome(write=lambda: _forget(vod.pk))


def _deleting(vod_id: UUID) -> Vod:
    vod = Vod.objects.filter(pk=vod_id).first()
    if vod is None or vod.state not in (VodState.DELETING, VodState.DELETED):
        raise Hopeless("Nobody asked for this VOD to be deleted.")
    return vod


def _forget(vod_id: UUID) -> None:
    vod = Vod.objects.select_for_update(no_key=True).get(pk=vod_id)
    for rows in (vod.renditions, vod.assets, vod.chapters, vod.watch_positions, vod.recalls):
        rows.all().delete()
    Vod.objects.filter(pk=vod_id).update(
        state=VodState.DELETED, title="", description="", category=None, size=0, duration_ms=0, lost=0
    )
