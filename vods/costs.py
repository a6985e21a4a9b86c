"""What storage costs: bytes by tier, at the prices of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Sum

from streaming.models import Channel
from vods.models import Asset, Clip, Tier, Vod
from vods.models.asset import MOVED

GB = 2**30
"""What storage is sold by."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a channel has in a tier, in bytes, and what that costs a month."""

    tier: Tier
    size: int
    cost: Decimal


def shelves_of(channel: Channel) -> list[Shelf]:
    """What the channel takes now, the hottest first."""
    sizes = sizes_by_tier(Vod.objects.of_channel(channel), channel.clips.existing())
    return [
        Shelf(tier, sizes[channel.pk, tier], monthly_cost(sizes[channel.pk, tier], tier))
        for tier in Tier
        if (channel.pk, tier) in sizes
    ]


def monthly_cost(size: int, tier: Tier) -> Decimal:
    """What so many bytes cost a month."""
    prices: Mapping[str, Decimal] = settings.TIER_PRICES
    return prices[tier.value] * size / GB


def sizes_by_tier(vods: QuerySet[Vod], clips: QuerySet[Clip]) -> dict[tuple[UUID, Tier], int]:
    """Bytes by channel and tier, of these VODs and clips; those that are 0 left out.

    A VOD's pictures and chat are hot, whichever tier its media lies in, and so are clips.
    """
    found: dict[tuple[UUID, Tier], int] = {}

    def add(channel: UUID, tier: str, size: int) -> None:
        found[channel, Tier(tier)] = found.get((channel, Tier(tier)), 0) + size

    for channel, tier, size in vods.order_by().values_list("channel", "tier").annotate(size=Sum("size")):
        add(channel, tier, size)
    small = Asset.objects.ready().exclude(kind__in=MOVED).filter(vod__in=vods).exclude(vod__tier=Tier.HOT)
    for channel, tier, size in small.order_by().values_list("vod__channel", "vod__tier").annotate(all=Sum("size")):
        add(channel, tier, -size)
        add(channel, Tier.HOT, size)
    for channel, size in clips.order_by().values_list("channel").annotate(all=Sum("size")):
        add(channel, Tier.HOT, size)
    return {key: size for key, size in found.items() if size > 0}
