"""What is told of a VOD whose media is in cold storage, and does not play before it was brought back."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from vods.models import Tier, Vod


@dataclass(frozen=True, slots=True)
class Cold:
    """`wait` is how long it takes to come back, in words; `coming`: it is on its way; `asked`: the user waits. The page
    looks for it every `look_ms`."""

    wait: str
    look_ms: int
    coming: bool
    asked: bool


def cold_of(vod: Vod, *, user: User | AnonymousUser) -> Cold | None:
    """None if the VOD is at hand."""
    if vod.at_hand:
        return None
    asked = user.is_authenticated and vod.recalls.filter(by=user).exists()
    look_ms = 5_000 if restore_hours(vod) == 0 else 60_000
    return Cold(wait=wait_for(vod), look_ms=look_ms, coming=vod.comes_back or asked, asked=asked)


def restore_hours(vod: Vod) -> int:
    """How long a VOD that is not at hand takes to come back, from when it is asked for; 0: minutes."""
    cold, archived = settings.RESTORE_HOURS
    hours: int = archived if Tier.ARCHIVE in (vod.tier, vod.moving_to) else cold
    return hours


def wait_for(vod: Vod) -> str:
    """`about 5 hours`."""
    hours = restore_hours(vod)
    if hours == 0:
        return "some minutes"
    return "about an hour" if hours == 1 else f"about {hours} hours"
