"""The steps that write to streamers which of their videos are about to be deleted: each letter is a step of its own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

from streaming.models import Channel
from vods.models import Vod
from vods.models.vod import VodQuerySet
from vods.steps import Job, Lane, Outcome, StepSpec

LETTER = """\
These videos will be deleted on the day beside them, as your channel keeps videos for a limited time, or as long as
somebody watches them, or has no room for more:

{videos}

Mark those that you want to keep, or download them before.
"""

log = structlog.get_logger(__name__)


def warnings_of(at: datetime) -> StepSpec:
    """The step that has everybody warned whose videos were marked at that time."""
    return StepSpec(name="warnings", work="warnings", arguments={"at": at.isoformat()}, lane=Lane.PROMPT)


def find_warned(job: Job) -> Outcome:
    """A letter, and so a step, for each channel: one that can't be sent keeps back no other."""
    channels = _marked(job).order_by().values_list("channel", flat=True).distinct()
    return Outcome(then=tuple(_letter(channel, job.arguments["at"]) for channel in channels))


def warn(job: Job) -> Outcome:
    """Writes to a streamer which videos go when. One who gave no address sees it on the page.

    A worker that dies in between has the letter sent twice, under one Message-ID: mail servers keep one of them.
    """
    channel = Channel.objects.select_related("user").get(pk=job.arguments["channel"])
    going = list(_marked(job).filter(channel=channel, kept=False).for_cards().order_by("expires_at"))
    if going and channel.user.email:
        lines = [
            f"{vod.expires_at:%Y-%m-%d}  {vod.headline}  {settings.PUBLIC_URL}{vod.get_absolute_url()}" for vod in going
        ]
        EmailMessage(
            subject="Some of your videos are about to be deleted",
            body=LETTER.format(videos="\n".join(lines)),
            to=[channel.user.email],
            headers={"Message-ID": f"<{job.subject}.{channel.pk}@{settings.PUBLIC_HOST}>"},
        ).send()
        log.info("retention.warned", channel=str(channel.pk), videos=len(going))
    return Outcome()


def _letter(channel: UUID, at: str) -> StepSpec:
    arguments = {"channel": str(channel), "at": at}
    return StepSpec(name=f"warn {channel}", work="warn", arguments=arguments, lane=Lane.PROMPT)


def _marked(job: Job) -> VodQuerySet:
    return Vod.objects.ready().filter(warned_at=datetime.fromisoformat(job.arguments["at"]))
