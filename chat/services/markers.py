"""Moments of a broadcast that its broadcaster wants to find again."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from chat.errors import CommandRefused
from chat.models import Marker
from chat.services.authority import need_broadcaster
from streaming.models import Broadcast, Channel

MAX_MARKERS = 500


def mark(*, channel: Channel, by: User, text: str, now: datetime) -> Marker:
    """Marks this moment of the channel's broadcast. Raises NotBroadcaster, CommandRefused (offline, too many)."""
    need_broadcaster(channel=channel, by=by)
    broadcast = Broadcast.objects.open().filter(channel=channel).first()
    if broadcast is None:
        raise CommandRefused("You are not live.")
    if broadcast.markers.count() >= MAX_MARKERS:
        raise CommandRefused(f"This broadcast has {MAX_MARKERS} markers already.")
    return Marker.objects.create(broadcast=broadcast, at=now, text=text[:140])
