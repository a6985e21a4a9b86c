"""What players load: playlists, init sections, bundles by ranges, and the files made of a VOD."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from streaming.playback.answers import CROSS_ORIGIN, content
from streaming.playback.errors import NotHere
from streaming.playback.player import MEDIA_TYPE, playlist_answer
from vods.access import admits_download, is_open
from vods.cold import wait_for
from vods.models import AssetKind, Vod
from vods.playback.errors import InColdStorage
from vods.playback.ranges import Files
from vods.playback.shelf import Shelf, Stored
from vods.storyboard import Storyboard, render_vtt

PICTURE_TYPE = "image/jpeg"
SOON = "max-age=10"
"""Playlists get renditions, and VODs products, while they are made."""
SHARED = "s-maxage=10"
"""A cache that serves many asks again this soon whether it still may: a VOD becomes private, or is deleted."""
PICTURES = f"max-age=600, {SHARED}"
FOR_GOOD = f"max-age=31536000, {SHARED}, immutable"


class Films:
    """Answers for every VOD and clip. `now` is the time by which tokens expire."""

    def __init__(self, shelf: Shelf, files: Files, *, now: Callable[[], datetime]) -> None:
        self._shelf = shelf
        self._files = files
        self._now = now

    async def manifest(self, request: Request) -> Response:
        """The multivariant playlist: every rendition that is whole."""
        vod = await self._vod_at_hand(request)
        return playlist_answer(request, await self._shelf.manifest(vod, _suffix(vod, request)), _cache(vod, SOON))

    async def playlist(self, request: Request) -> Response:
        """A media playlist; its segments are ranges of bundles."""
        vod = await self._vod_at_hand(request)
        found = await self._shelf.playlist(vod, request.path_params["rendition"], _suffix(vod, request))
        return playlist_answer(request, found, _cache(vod, SOON))

    async def init(self, request: Request) -> Response:
        vod = await self._vod_at_hand(request)
        data = await self._shelf.init(vod, request.path_params["rendition"], request.path_params["number"])
        return content(data, MEDIA_TYPE, _cache(vod, FOR_GOOD))

    async def bundle(self, request: Request) -> Response:
        """A bundle, or the range of it that is a segment."""
        vod = await self._vod_at_hand(request)
        rendition, first_msn, crc32 = (request.path_params[name] for name in ("rendition", "first_msn", "crc32"))
        stored = await self._shelf.bundle(vod, rendition, first_msn, crc32)
        unchanging = {"etag": f'"{crc32}"', "cache-control": _cache(vod, FOR_GOOD)}
        if unchanging["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=unchanging)  # RFC 9110 15.4.5: a cache that asks whether it may
        return await self._file(request, stored, MEDIA_TYPE, unchanging["cache-control"], unchanging)

    async def storyboard(self, request: Request) -> Response:
        """The WebVTT of the seek bar's pictures."""
        vod = await self._vod(request)
        asset = await self._shelf.asset(vod, AssetKind.STORYBOARD)
        text = render_vtt(
            Storyboard.of(asset.facts),
            duration_ms=vod.duration_ms,
            sheet_uri=lambda sheet: f"storyboard-{sheet}.jpg{_suffix(vod, request)}",
        )
        return content(text.encode(), "text/vtt; charset=utf-8", _cache(vod, SOON))

    async def sheet(self, request: Request) -> Response:
        vod = await self._vod(request)
        asset = await self._shelf.asset(vod, AssetKind.STORYBOARD)
        keys, number = asset.facts["sheets"], request.path_params["number"]
        if number >= len(keys):
            raise NotHere(f"sheet {number}")
        return await self._small(keys[number], _cache(vod, PICTURES))

    async def poster(self, request: Request) -> Response:
        vod = await self._vod(request)
        return await self._small((await self._shelf.asset(vod, AssetKind.POSTER)).key, _cache(vod, PICTURES))

    async def preview(self, request: Request) -> Response:
        vod = await self._vod(request)
        asset = await self._shelf.asset(vod, AssetKind.PREVIEW)
        return await self._file(request, Stored(asset.key, asset.size), MEDIA_TYPE, _cache(vod, SOON))

    async def audio(self, request: Request) -> Response:
        """The sound alone, to keep."""
        return await self._download(request, AssetKind.AUDIO, 0, "audio/mp4", "m4a")

    async def video(self, request: Request) -> Response:
        """An MP4 to keep, one for each format that the encoder had."""
        return await self._download(request, AssetKind.MP4, request.path_params["number"], MEDIA_TYPE, "mp4")

    async def chat(self, request: Request) -> Response:
        """What was said in the n-th window of the VOD, as JSON: each message with its position, `at`, in ms."""
        vod = await self._vod(request)
        asset = await self._shelf.asset(vod, AssetKind.CHAT)
        offsets, window = asset.facts["offsets"], request.path_params["number"]
        lines = b""
        if window + 1 < len(offsets):
            lines = await self._part(asset.key, offsets[window], offsets[window + 1] - offsets[window])
        body = b'{"every_ms":%d,"messages":[%s]}' % (asset.facts["every_ms"], b",".join(lines.splitlines()))
        return content(body, "application/json", _cache(vod, PICTURES))

    async def clip(self, request: Request) -> Response:
        clip = await self._shelf.clip(request.path_params["clip"])
        return await self._file(request, Stored(clip.key, clip.size), MEDIA_TYPE, f"public, {SOON}")

    async def clip_poster(self, request: Request) -> Response:
        clip = await self._shelf.clip(request.path_params["clip"])
        return await self._small(clip.poster_key, f"public, {PICTURES}")

    async def _vod(self, request: Request) -> Vod:
        return await self._shelf.vod(request.path_params["vod"], _token(request), now=self._now())

    async def _vod_at_hand(self, request: Request) -> Vod:
        """The VOD, unless its media is in cold storage; pictures and chat never are."""
        vod = await self._vod(request)
        if not vod.at_hand:
            raise InColdStorage(wait_for(vod))
        return vod

    async def _download(self, request: Request, kind: AssetKind, number: int, media_type: str, ending: str) -> Response:
        vod = await self._vod_at_hand(request)
        if not admits_download(vod, _token(request), now=self._now()):
            raise NotHere("download")
        asset = await self._shelf.asset(vod, kind, number)
        part = f"-{number + 1}" if number else ""
        name = f"{vod.channel.login}-{vod.recorded_at:%Y-%m-%d}{part}.{ending}"
        disposition = {"content-disposition": f'attachment; filename="{name}"'}
        cache = "no-store" if not vod.downloads else _cache(vod, SOON)
        return await self._file(request, Stored(asset.key, asset.size), media_type, cache, disposition)

    async def _file(
        self, request: Request, stored: Stored, media_type: str, cache: str, more: Mapping[str, str] | None = None
    ) -> Response:
        headers = {"content-type": media_type, "cache-control": cache, **CROSS_ORIGIN, **(more or {})}
        try:
            return await self._files.answer(request, stored.key, stored.size, headers)
        except FileNotFoundError:
            raise NotHere("file") from None

    async def _part(self, key: str, offset: int, size: int) -> bytes:
        try:
            return await self._files.part(key, offset, size)
        except FileNotFoundError:
            raise NotHere("file") from None

    async def _small(self, key: str, cache: str) -> Response:
        """A picture, which is read at once."""
        try:
            data = await self._files.whole(key)
        except FileNotFoundError:
            raise NotHere("file") from None
        return content(data, PICTURE_TYPE, cache)


def _suffix(vod: Vod, request: Request) -> str:
    return "" if is_open(vod) else f"?token={_token(request)}"


def _token(request: Request) -> str:
    return request.query_params.get("token", "")


def _cache(vod: Vod, rule: str) -> str:
    """What needs a token is kept by its viewer's browser alone: a shared cache would not ask for one."""
    return f"public, {rule}" if is_open(vod) else f"private, {rule}"
