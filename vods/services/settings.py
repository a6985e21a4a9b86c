"""What a channel wants done with its broadcasts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from streaming.models import Channel
from vods.errors import BadRange
from vods.models import VodSettings

MOST_RETENTION_DAYS = 3_650
CHANGEABLE = {
    "keep_broadcasts",
    "dvr",
    "visibility",
    "downloads",
    "clippers",
    "retention_days",
    "cold_end",
}


def settings_of(channel_id: UUID) -> VodSettings:
    """The channel's settings; unsaved defaults where it has none. A read."""
    found = VodSettings.objects.filter(channel_id=channel_id).first()
    return found or VodSettings(channel_id=channel_id)


def change_settings(*, channel: Channel, **changes: Any) -> VodSettings:
    """Changes some of CHANGEABLE; they count for what is recorded from now on. Raises BadRange."""
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"no such settings: {', '.join(sorted(unknown))}")
    days = changes.get("retention_days")
    if days is not None and not 1 <= days <= MOST_RETENTION_DAYS:
        raise BadRange(f"Keep videos for 1 to {MOST_RETENTION_DAYS} days, or for ever.")
    settings, _ = VodSettings.objects.update_or_create(channel=channel, defaults=changes)
    return settings


def set_quota(*, channel: Channel, quota: int | None) -> VodSettings:
    """The bytes that the house lets the channel keep; None for no bound."""
    settings, _ = VodSettings.objects.update_or_create(channel=channel, defaults={"quota": quota})
    return settings
