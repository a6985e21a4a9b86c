"""The step that tells somebody that a VOD has come back from cold storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

from vods.access import may_watch
from vods.models import Recall
from vods.steps import Job, Lane, Outcome, StepSpec

TELL = StepSpec(name="tell", work="tell", lane=Lane.PROMPT)
LETTER = """\
The video that you asked for plays again:

{title}
{address}

It stays there for some weeks, and as long as somebody watches it.
"""

log = structlog.get_logger(__name__)


def tell(job: Job) -> Outcome:
    """Writes to whoever has asked, if he may still watch; then nobody waits any more.

    A worker that dies in between has the letter sent twice, under one Message-ID: mail servers keep one of them.
    """
    recall = Recall.objects.select_related("by", "vod__channel__user").filter(pk=job.subject).first()
    if recall is None:
        return Outcome()
    vod, by = recall.vod, recall.by
    if by.email and by.is_active and vod.plays and may_watch(vod=vod, user=by):
        EmailMessage(
            subject=f"“{vod.headline}” plays again",
            body=LETTER.format(title=vod.headline, address=settings.PUBLIC_URL + vod.get_absolute_url()),
            to=[by.email],
            headers={"Message-ID": f"<{recall.pk}@{settings.PUBLIC_HOST}>"},
        ).send()
        log.info("recall.told", vod=str(vod.pk))
    return Outcome(write=lambda: _forget(recall.pk))


def tell_died(recall_id: UUID, _arguments: Mapping[str, Any], _error: str) -> None:
    """His address takes no mail: he sees it on the page."""
    _forget(recall_id)


def _forget(recall_id: UUID) -> None:
    Recall.objects.filter(pk=recall_id).delete()
