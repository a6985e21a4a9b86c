"""A VOD as its page shows it to somebody who may watch: addresses, marks, where to begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from vods.access import admits_download, may_manage, media_token, media_url
from vods.cold import Cold, cold_of
from vods.library import leading_rendition, timeline_of
from vods.models import Asset, AssetKind, AssetState, Chapter, Vod

_FILES = {
    AssetKind.STORYBOARD: "storyboard.vtt",
    AssetKind.POSTER: "poster.jpg",
    AssetKind.PREVIEW: "preview.mp4",
    AssetKind.CHAT: "chat-{n}.json",
}
_UNFINISHED = (AssetState.MAKING, AssetState.FAILED)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that the streamer marked while live."""

    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file to keep; `size` in bytes."""

    label: str
    url: str
    size: int


@dataclass(frozen=True)
class Showing:
    """What `vods/_player.html` and the page around it need. Addresses are empty for what isn't there (yet)."""

    vod: Vod
    manages: bool
    manifest: str
    storyboard: str
    poster: str
    preview: str
    chat: str
    """Has `{n}` for the number of a window."""
    downloads: list[Download]
    chapters: list[Chapter]
    marks: list[Mark]
    progress: list[Asset]
    resume_s: int
    cold: Cold | None
    """It is in cold storage: there is nothing to play, nor to keep, before it was brought back."""


def show(vod: Vod, *, user: User | AnonymousUser, now: datetime) -> Showing:
    """For somebody who may watch; select `channel__user` along."""
    token = media_token(vod, user=user, now=now)
    manages = may_manage(channel=vod.channel, user=user)
    assets = list(vod.assets.all())
    there = {asset.kind for asset in assets if asset.state == AssetState.READY}
    cold = cold_of(vod, user=user)
    addresses = {kind: media_url(vod, name, token) if kind in there else "" for kind, name in _FILES.items()}
    return Showing(
        vod=vod,
        manages=manages,
        manifest=media_url(vod, "manifest.m3u8", token) if vod.plays and not cold else "",
        storyboard=addresses[AssetKind.STORYBOARD],
        poster=addresses[AssetKind.POSTER],
        preview=addresses[AssetKind.PREVIEW],
        chat="" if cold else addresses[AssetKind.CHAT],
        downloads=downloads(vod, assets, token) if not cold and admits_download(vod, token, now=now) else [],
        chapters=list(vod.chapters.all()),
        marks=marks_of(vod),
        progress=[asset for asset in assets if manages and asset.state in _UNFINISHED],
        resume_s=resume_of(vod, user) // 1000,
        cold=cold,
    )


def downloads(vod: Vod, assets: list[Asset], token: str) -> list[Download]:
    """The files to keep, MP4s first."""
    ready = [asset for asset in assets if asset.state == AssetState.READY]
    videos = [asset for asset in ready if asset.kind == AssetKind.MP4]
    found = [
        Download(
            label=f"MP4, part {asset.number + 1}" if len(videos) > 1 else "MP4",
            url=media_url(vod, f"video-{asset.number}.mp4", token),
            size=asset.size,
        )
        for asset in videos
    ]
    return found + [
        Download(label="Audio", url=media_url(vod, "audio.m4a", token), size=asset.size)
        for asset in ready
        if asset.kind == AssetKind.AUDIO
    ]


def marks_of(vod: Vod) -> list[Mark]:
    """The moments that the streamer marked while the VOD's broadcast was live, in the VOD's time."""
    markers = list(vod.broadcast.markers.all()) if vod.broadcast else []
    leading = leading_rendition(vod) if markers else None
    if leading is None:
        return []
    timeline = timeline_of(leading)
    return [Mark(timeline.position_of(int(marker.at.timestamp() * 1000)), marker.text) for marker in markers]


def resume_of(vod: Vod, user: User | AnonymousUser) -> int:
    """Where somebody who is signed in left off, in ms."""
    if not user.is_authenticated:
        return 0
    return user.watch_positions.filter(vod=vod).values_list("at_ms", flat=True).first() or 0
