"""Where somebody left off."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.models import User
from vods.models import Vod, WatchPosition

MOST_POSITIONS = 1_000
"""Of one user; the oldest go."""


def remember_position(*, user: User, vod_id: UUID, at_ms: int, now: datetime) -> bool:
    """Notes where `user` is in a VOD, for every device; false if it doesn't play. The last word counts."""
    if not Vod.objects.ready().filter(pk=vod_id, duration_ms__gte=at_ms).exists():
        return False
    _, made = WatchPosition.objects.update_or_create(
        user=user, vod_id=vod_id, defaults={"at_ms": max(0, at_ms), "updated_at": now}
    )
    if made:
        kept = user.watch_positions.order_by("-updated_at").values("pk")[:MOST_POSITIONS]
        user.watch_positions.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
    return True


def forget_position(*, user: User, vod_id: UUID) -> None:
    """The next visit begins at the start."""
    WatchPosition.objects.filter(user=user, vod_id=vod_id).delete()
