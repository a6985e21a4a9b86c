"""How a service asks for durable work: by the state of its row, and an event that says so at once.

Nothing here knows who does the work. A bus that is away costs seconds: the dispatcher's sweep finds the row.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from uuid import UUID

from django.db import transaction

from streaming import on_air
from streaming.bus import events
from streaming.bus.errors import BusError

logger = logging.getLogger(__name__)


class WorkflowKind(StrEnum):
    """What is done durably; the subject of each is a VOD's id, or a clip's, unless it says otherwise."""

    VOD = "vod"
    """All that follows when the broadcast has ended."""
    HIGHLIGHT = "highlight"
    POSTER = "poster"
    """The poster again, of another moment."""
    DELETE_VOD = "delete-vod"
    CLIP = "clip"
    DELETE_CLIP = "delete-clip"
    MOVE = "move"
    """A VOD's media into another tier; the subject is the move's own id."""
    TELL = "tell"
    """That a VOD has come back from cold storage; the subject is a `Recall`."""
    KEEPING = "keeping"
    """What is done once a day; the subject stands for the day."""


def want(kind: WorkflowKind, subject: UUID) -> None:
    """Tells the dispatcher, after commit."""
    transaction.on_commit(lambda: _publish(events.WorkWanted(workflow=kind.value, subject=str(subject))))


def _publish(event: events.WorkWanted) -> None:
    try:
        on_air.bus().run(events.publish(event))
    except BusError as error:
        logger.warning("%s of %s will be found by the sweep, the bus is away: %s", event.workflow, event.subject, error)
