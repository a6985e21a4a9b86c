"""In which tier a VOD belongs, by how long nobody has watched it and how many do. Pure.

It goes down by what nobody does: hot for 30 days, warm to 90, cold to a year, and then into the archive, unless its
channel has it deleted (`vods.retention`). It goes up by what many do: one viewer keeps it where it is. Between the two
nothing moves, so that no VOD goes up and down for a trifle: each move costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vods.models.vod import Tier

HALF_LIFE = timedelta(days=7)
"""After so long a viewer counts for half of one."""
ORDER = tuple(Tier)


@dataclass(frozen=True, slots=True)
class Limits:
    """A VOD that nobody has watched for so long is warm, cold, at its end; `hot_views` of late make it hot."""

    warm: timedelta
    cold: timedelta
    end: timedelta
    hot_views: float


def heat_now(heat: float, watched_at: datetime | None, *, now: datetime) -> float:
    """Viewers of late: `heat` is how many they were at `watched_at`."""
    return heat * 0.5 ** ((now - watched_at) / HALF_LIFE) if watched_at else heat


def idle_since(*, ready_at: datetime, watched_at: datetime | None, brought_up_at: datetime | None) -> datetime:
    """From when on nobody has wanted it: to have it brought up is to want it."""
    return max(at for at in (ready_at, watched_at, brought_up_at) if at is not None)


def wanted_tier(tier: Tier, *, idle: timedelta, heat: float, limits: Limits, archives: bool) -> Tier:
    """Where a VOD that lies in `tier` belongs. `archives`: its channel wants it kept when it is at its end."""
    if heat >= limits.hot_views:
        return Tier.HOT
    if idle < limits.warm:
        down = Tier.HOT
    elif idle < limits.cold:
        down = Tier.WARM
    elif idle < limits.end or not archives:
        down = Tier.COLD
    else:
        down = Tier.ARCHIVE
    return max(tier, down, key=ORDER.index)
