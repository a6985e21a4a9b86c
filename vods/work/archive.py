"""The step that copies a run of segments from the bus to storage while its broadcast is live."""

from __future__ import annotations

import structlog

from streaming import on_air
from streaming.bus import reading
from vods.models import Vod
from vods.recording import BusForgot, enter_run, record_run
from vods.steps import Job, Outcome
from vods.storage import media

log = structlog.get_logger(__name__)


def archive(job: Job) -> Outcome:
    """Records segments `first` to `first + count - 1`. What the bus has lost by now becomes gaps, with an alarm."""
    vod = Vod.objects.existing().filter(pk=job.subject).first()
    if vod is None:
        return Outcome()
    bus = on_air.bus()
    description = bus.run(reading.description(str(vod.broadcast_id)))
    if description is None:
        raise BusForgot("the bus knows nothing of the broadcast; its ingest may tell it again")
    run = record_run(bus, media(), vod, description, job.arguments["first"], job.arguments["count"])
    if run.lost:
        log.error("archive.lost", vod=str(vod.pk), first=run.first, segments=run.lost)
    return Outcome(write=lambda: enter_run(vod.pk, run))
