"""What pages and the API read from the media bus and the state Valkey, and the one thing they tell them.

Everything here answers without them too: a page is worth more without its viewer count than not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from django.conf import settings

from streaming.bus import publication, reading, troubles, viewers
from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey
from streaming.health import Health
from streaming.media import Rendition
from streaming.models import Broadcast

NEW_THUMBNAIL = 10

logger = logging.getLogger(__name__)


@cache
def bus() -> Valkey:
    """This process's client of the media bus. A view holds a connection for one round trip."""
    return Valkey(settings.BUS_URL, connections=16, readers=1)


@cache
def state() -> Valkey:
    """This process's client of the state Valkey."""
    return Valkey(settings.STATE_URL, connections=16, readers=1)


@cache
def broker() -> Valkey:
    """This process's client of Celery's broker, to ask whether it is there: Celery has its own."""
    return Valkey(settings.QUEUE_URL, connections=2, readers=1)


@dataclass(frozen=True, slots=True)
class Card:
    """A broadcast as lists show it."""

    broadcast: Broadcast
    viewers: int
    thumbnail: str
    """Address of a picture, another one every `NEW_THUMBNAIL` seconds: a browser shows again what it had by a name."""


def cards(broadcasts: Iterable[Broadcast], *, now: datetime) -> list[Card]:
    """Each broadcast with its number of viewers, in the order given."""
    listed = list(broadcasts)
    counts = viewer_counts([broadcast.pk for broadcast in listed if broadcast.is_open], now=now)
    turn = int(now.timestamp()) // NEW_THUMBNAIL
    return [
        Card(broadcast, counts.get(broadcast.pk, 0), f"/streams/{broadcast.pk}/thumbnail.jpg?{turn}")
        for broadcast in listed
    ]


def viewer_counts(broadcasts: Sequence[UUID], *, now: datetime) -> dict[UUID, int]:
    """Distinct viewers of each broadcast, in one round trip; empty while the state Valkey is away."""
    try:
        counted = state().run_all(viewers.counts([str(pk) for pk in broadcasts], now_ms=_ms(now)))
    except BusError as error:
        logger.warning("viewer counts are not to be had: %s", error)
        return {}
    return dict(zip(broadcasts, counted, strict=True))


@dataclass(frozen=True, slots=True)
class Watched:
    """A rendition of a broadcast that is on, and its distinct viewers; who has just switched counts in both."""

    rendition: Rendition
    viewers: int


def renditions(broadcast: UUID, *, now: datetime) -> list[Watched]:
    """The broadcast's renditions from source down, each with its viewers; empty while the bus is away, or the state
    Valkey."""
    name = str(broadcast)
    try:
        description = bus().run(reading.description(name))
        listed = description.renditions if description else ()
        counted = state().run_all([viewers.count_of(name, one.name, now_ms=_ms(now)) for one in listed])
    except BusError as error:
        logger.warning("viewers of renditions are not to be had: %s", error)
        return []
    return [Watched(one, count) for one, count in zip(listed, counted, strict=True)]


def quality(broadcast: UUID, *, now: datetime) -> viewers.Quality | None:
    """How the broadcast plays at its viewers; None when the state Valkey is away."""
    try:
        return state().run(viewers.quality(str(broadcast), now_ms=_ms(now)))
    except BusError as error:
        logger.warning("viewers' reports are not to be had: %s", error)
        return None


def health(broadcast: UUID) -> Health | None:
    """Ingest's newest report of the broadcast; None when there is none or the bus is away."""
    try:
        packed = bus().run(reading.health(str(broadcast)))
    except BusError as error:
        logger.warning("health reports are not to be had: %s", error)
        return None
    return Health.unpack(packed) if packed else None


def missed(broadcast: UUID) -> list[troubles.Trouble]:
    """Segments of the ladder that viewers missed lately, newest first; empty while the bus is away."""
    try:
        return bus().run(troubles.recent(str(broadcast)))
    except BusError as error:
        logger.warning("troubles are not to be had: %s", error)
        return []


def publish_ended(broadcast: UUID) -> None:
    """Tell everyone on the bus that the broadcast has ended: `services.PublishEnded`."""
    try:
        bus().run(publication.end(str(broadcast)))
    except BusError as error:
        logger.warning("broadcast %s ended, but the bus could not be told: %s", broadcast, error)


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
