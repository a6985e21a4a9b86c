"""VODs and clips as lists show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from vods.access import media_token, media_url
from vods.models import Asset, AssetKind, Vod


@dataclass(frozen=True, slots=True)
class VodCard:
    """A VOD with its picture, empty until there is one; `preview` is ten seconds of it."""

    vod: Vod
    poster: str
    preview: str


def vod_cards(vods: Iterable[Vod], *, user: User | AnonymousUser, now: datetime) -> list[VodCard]:
    """Cards of VODs that the user may see, in the order given: one query for all pictures."""
    listed = list(vods)
    pictures = {
        (asset.vod_id, asset.kind): asset.key
        for asset in Asset.objects.ready().filter(
            vod__in=[vod.pk for vod in listed], kind__in=[AssetKind.POSTER, AssetKind.PREVIEW]
        )
    }

    def address(vod: Vod, kind: AssetKind, name: str) -> str:
        there = (vod.pk, kind.value) in pictures
        return media_url(vod, name, media_token(vod, user=user, now=now)) if there else ""

    return [
        VodCard(vod, address(vod, AssetKind.POSTER, "poster.jpg"), address(vod, AssetKind.PREVIEW, "preview.mp4"))
        for vod in listed
    ]
