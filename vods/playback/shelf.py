"""What playback asks of the database, each at most every few seconds: VODs, their bundles, playlists and assets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, TypeVar
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from streaming.hls.multivariant import render_multivariant
from streaming.hls.playlist import segment_uri
from streaming.hls.recording import Recorded, render_recording
from streaming.playback.errors import NotHere, UnknownRendition
from streaming.playback.playlists import Playlist
from vods.access import admits
from vods.library import timeline_of
from vods.models import Asset, AssetKind, Bundle, Clip, InitSection, Vod, VodRendition
from vods.playback.errors import DatabaseAway, NeedsToken, UnknownVideo
from vods.playback.recent import Recent

logger = logging.getLogger(__name__)

FRESH_S = 2.0
"""So long an answer of the database counts: whoever makes a video private waits this long until it is."""
VODS = 2_000
PLAYLISTS = 200
"""A playlist of three hours is 0.7 MB."""
OBJECTS = 20_000

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the storage."""

    key: str
    size: int


class Shelf:
    """Answers for every VOD; `clock` is a steady one in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._vods: Recent[Vod] = Recent(most=VODS, seconds=FRESH_S, clock=clock)
        self._clips: Recent[Clip | None] = Recent(most=VODS, seconds=FRESH_S, clock=clock)
        self._playlists: Recent[Playlist] = Recent(most=PLAYLISTS, seconds=FRESH_S, clock=clock)
        self._assets: Recent[Asset | None] = Recent(most=VODS, seconds=FRESH_S, clock=clock)
        # What a bundle's address names never changes.
        self._bundles: Recent[Stored] = Recent(most=OBJECTS, seconds=float("inf"), clock=clock)

    async def vod(self, vod_id: UUID, token: str, *, now: datetime) -> Vod:
        """The VOD, if it plays and the token admits. Raises UnknownVideo, NeedsToken."""
        found = await self._vods.get(vod_id, lambda: ask(_find_vod, vod_id))
        if not admits(found, token, now=now):
            raise NeedsToken
        return found

    async def clip(self, clip_id: UUID) -> Clip:
        """The clip, if it plays. Raises UnknownVideo."""
        found = await self._clips.get(clip_id, lambda: ask(_find_clip, clip_id))
        if found is None:
            raise UnknownVideo
        return found

    async def manifest(self, vod: Vod, suffix: str) -> Playlist:
        """The multivariant playlist; `suffix` is put behind its URIs."""
        return await self._playlists.get((vod.pk, suffix), lambda: ask(_render_manifest, vod, suffix))

    async def playlist(self, vod: Vod, rendition: str, suffix: str) -> Playlist:
        """A rendition's media playlist. Raises UnknownRendition."""
        return await self._playlists.get(
            (vod.pk, rendition, suffix), lambda: ask(render_playlist, vod, rendition, suffix)
        )

    async def init(self, vod: Vod, rendition: str, number: int) -> bytes:
        """An init section. Raises NotHere."""
        return await ask(_find_init, vod, rendition, number)

    async def bundle(self, vod: Vod, rendition: str, first_msn: int, crc32: int) -> Stored:
        """The object of a bundle. Raises NotHere."""
        name = (vod.pk, rendition, first_msn, crc32)
        return await self._bundles.get(name, lambda: ask(_find_bundle, *name))

    async def asset(self, vod: Vod, kind: AssetKind, number: int = 0) -> Asset:
        """A product that is ready. Raises NotHere."""
        found = await self._assets.get((vod.pk, kind, number), lambda: ask(_find_asset, vod, kind, number))
        if found is None:
            raise NotHere(kind.value)
        return found


def bundle_uri(first_msn: int, crc32: int) -> str:
    """A bundle's URI, relative to its rendition's playlist: it names the bytes too, so it never changes."""
    return f"{first_msn}-{crc32}.m4s"


async def ask(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function answers that reads the database, in a thread. Raises DatabaseAway."""
    try:
        # Not thread_sensitive: all of a process's requests would wait for one thread.
        result: T = await database_sync_to_async(function, thread_sensitive=False)(*args, **kwargs)
    except (OperationalError, InterfaceError) as error:
        logger.warning("the database can't be reached: %s", error)
        raise DatabaseAway from error
    return result


def _find_vod(vod_id: UUID) -> Vod:
    found = Vod.objects.ready().select_related("channel__user").filter(pk=vod_id).first()
    if found is None:
        raise UnknownVideo  # and not remembered: it may be ready the next moment
    return found


def _find_clip(clip_id: UUID) -> Clip | None:
    return Clip.objects.watchable().filter(pk=clip_id).first()


def _render_manifest(vod: Vod, suffix: str) -> Playlist:
    whole = vod.renditions.filter(complete=True)
    return Playlist.of(render_multivariant([one.rendition for one in whole], suffix=suffix))


def render_playlist(vod: Vod, name: str, suffix: str) -> Playlist:
    """A rendition's media playlist, from the database. Raises UnknownRendition."""
    rendition = VodRendition.objects.filter(vod=vod, name=name, complete=True).first()
    if rendition is None:
        raise UnknownRendition(str(vod.pk), name)
    uris = {bundle.key: bundle_uri(bundle.first_msn, bundle.crc32) for bundle in rendition.bundles.all()}
    timeline = timeline_of(rendition)
    segments = [
        Recorded(
            dts=segment.dts,
            duration=segment.duration,
            wall_ms=segment.wall_ms,
            discontinuity=segment.discontinuity,
            init=segment.init,
            uri=segment_uri(segment.msn) if segment.gap else uris[segment.key],
            offset=segment.offset,
            size=segment.size,
            gap=segment.gap,
        )
        for segment in timeline.segments
    ]
    text = render_recording(
        segments,
        target_duration=vod.target_duration,
        timescale=rendition.timescale,
        first_msn=timeline.first_msn,
        suffix=suffix,
    )
    return Playlist.of(text)


def _find_init(vod: Vod, rendition: str, number: int) -> bytes:
    found = InitSection.objects.filter(rendition__vod=vod, rendition__name=rendition, number=number).first()
    if found is None:
        raise NotHere(f"init section {number}")
    return bytes(found.data)


def _find_bundle(vod_id: UUID, rendition: str, first_msn: int, crc32: int) -> Stored:
    found = Bundle.objects.filter(
        rendition__vod=vod_id, rendition__name=rendition, first_msn=first_msn, crc32=crc32
    ).first()
    if found is None or not found.key:
        raise NotHere(f"bundle {first_msn}")
    return Stored(found.key, found.size)


def _find_asset(vod: Vod, kind: AssetKind, number: int) -> Asset | None:
    return vod.assets.ready().of_kind(kind).filter(number=number).first()
