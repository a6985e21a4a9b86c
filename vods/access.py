"""Who may watch what, and the addresses that let them.

Media of a public or unlisted VOD, of a channel that has a page, needs no token. All other media is refused without one,
whoever asks: a page or the JSON gives it to those who may watch.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from chat.models import Follow
from streaming.models import Channel
from vods import signing
from vods.models import Visibility, Vod
from vods.models.vod import OPEN


def may_manage(*, channel: Channel, user: User | AnonymousUser) -> bool:
    """Whether the channel's videos are the user's to change: its streamer's."""
    return user.is_authenticated and channel.user_id == user.pk


def may_watch(*, vod: Vod, user: User | AnonymousUser) -> bool:
    """Whether the user may watch the VOD; select `channel__user` along. The streamer and the house always may."""
    if may_manage(channel=vod.channel, user=user) or user.has_perm("vods.view_vod"):
        return True
    if not has_page(vod.channel):
        return False
    if vod.visibility == Visibility.FOLLOWERS:
        return user.is_authenticated and Follow.objects.filter(channel=vod.channel_id, user=user).exists()
    return vod.visibility in OPEN


def media_token(vod: Vod, *, user: User | AnonymousUser, now: datetime) -> str:
    """What this user, who may watch, must ask for its media with; empty if that needs nothing.

    Its streamer's also opens downloads that others may not have.
    """
    if may_manage(channel=vod.channel, user=user):
        return signing.sign(vod.pk, _owner_scope(vod), now=now)
    return "" if is_open(vod) else signing.sign(vod.pk, vod.visibility, now=now)


def admits(vod: Vod, token: str, *, now: datetime) -> bool:
    """Whether media of the VOD is answered to a request with this token, or with none (empty)."""
    return (
        is_open(vod)
        or signing.verify(token, vod.pk, vod.visibility, now=now)
        or signing.verify(token, vod.pk, _owner_scope(vod), now=now)
    )


def admits_download(vod: Vod, token: str, *, now: datetime) -> bool:
    """Whether a file to keep is answered to a request that `admits`."""
    return vod.downloads or signing.verify(token, vod.pk, _owner_scope(vod), now=now)


def media_url(vod: Vod, name: str, token: str = "") -> str:
    """The address of one of the VOD's files, as `manifest.m3u8`."""
    return f"/vods/{vod.pk}/{name}" + (f"?token={token}" if token else "")


def is_open(vod: Vod) -> bool:
    """Whether its media needs no token."""
    return vod.visibility in OPEN and has_page(vod.channel)


def _owner_scope(vod: Vod) -> str:
    return f"{vod.visibility}+owner"


def has_page(channel: Channel) -> bool:
    """Whether there is a channel for everybody; select `user` along."""
    return not channel.suspended and channel.user.is_active
