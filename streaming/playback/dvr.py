"""A live broadcast from its start: playlists that only grow, over the archive and the bus.

They have segments and no parts, so they are some seconds behind; a player goes there to look back, and returns to the
live playlists. Segments have the same addresses in both. Only source and audio are offered: of the ladder there is
only what somebody has watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from streaming.bus import reading
from streaming.bus.layout import KEEP_HELD_MS
from streaming.bus.redis import AsyncValkey
from streaming.hls.multivariant import render_multivariant
from streaming.hls.playlist import segment_uri
from streaming.hls.recording import Recorded, render_event
from streaming.media import AUDIO, Chunk, Closes, Description, Rendition
from streaming.playback.archive import Archive, Archived
from streaming.playback.errors import NotHere, UnknownRendition
from streaming.playback.follower import Follower
from streaming.playback.following import Following
from streaming.playback.player import begun, playlist_answer
from streaming.playback.playlists import Playlist

FRESH_S = 1.0
"""How old a playlist may be: one is made a second, whoever watches."""
RENDITIONS = 512
"""The most renditions of which a playlist is remembered."""


@dataclass(frozen=True, slots=True)
class _Made:
    at: float
    playlist: Playlist


class Dvr:
    """Answers for every broadcast; `clock` is a steady one in seconds."""

    def __init__(self, bus: AsyncValkey, following: Following, archive: Archive, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._following = following
        self._archive = archive
        self._clock = clock
        self._made: dict[tuple[str, str], _Made] = {}

    async def manifest(self, request: Request) -> Response:
        """The multivariant playlist. 404 if the broadcast can't be watched from its start."""
        follower = await begun(self._following, request.path_params["broadcast"])
        offered = _offered(follower.description)
        if not offered or await self._archive.segments(follower.broadcast, offered[0].name) is None:
            raise NotHere("broadcast's start")
        text = render_multivariant(offered, playlist="dvr.m3u8")
        return playlist_answer(request, Playlist.of(text), "public, max-age=10")

    async def playlist(self, request: Request) -> Response:
        """A media playlist (EXT-X-PLAYLIST-TYPE:EVENT) from the broadcast's start to its last whole segment."""
        follower = await begun(self._following, request.path_params["broadcast"])
        name = request.path_params["rendition"]
        rendition = next((one for one in _offered(follower.description) if one.name == name), None)
        if rendition is None:
            raise UnknownRendition(follower.broadcast, name)
        made = self._made.get((follower.broadcast, name))
        if made is None or self._clock() - made.at >= FRESH_S:
            made = _Made(self._clock(), await self._render(follower, rendition))
            self._made.pop((follower.broadcast, name), None)
            self._made[follower.broadcast, name] = made
            while len(self._made) > RENDITIONS:
                del self._made[next(iter(self._made))]
        return playlist_answer(request, made.playlist, "public, max-age=1")

    async def _render(self, follower: Follower, rendition: Rendition) -> Playlist:
        ended = follower.has_ended  # before reading: what is there when it has ended is all
        archived = await self._archive.segments(follower.broadcast, rendition.name)
        if archived is None:
            raise NotHere("broadcast's start")
        first = archived[-1].msn + 1 if archived else 0
        live = await self._bus.run(
            reading.headers(follower.broadcast, rendition.name, span_ms=KEEP_HELD_MS, from_msn=first)
        )
        segments = [*archived, *_whole((chunk for _, chunk, _ in live), first=first, ended=ended)]
        if not segments:
            raise NotHere("broadcast's first segment")
        text = render_event(
            [
                Recorded(
                    dts=segment.dts,
                    duration=segment.duration,
                    wall_ms=segment.wall_ms,
                    discontinuity=segment.discontinuity,
                    init=segment.init,
                    uri=segment_uri(segment.msn),
                    offset=0,
                    size=0,
                    gap=segment.gap,
                )
                for segment in segments
            ],
            target_duration=follower.description.target_duration,
            timescale=rendition.timescale,
            first_msn=segments[0].msn,
            ended=ended,
        )
        return Playlist.of(text)


def _offered(description: Description) -> Sequence[Rendition]:
    """Source and audio, those that are never transcoded."""
    return [one for place, one in enumerate(description.renditions) if place == 0 or one.name == AUDIO]


def _whole(chunks: Iterable[Chunk], *, first: int, ended: bool) -> list[Archived]:
    """The segments from MSN `first` on that are whole; none if the bus hasn't got that one any more, or not yet all of
    it: an EVENT playlist has no holes."""
    found: list[list[Chunk]] = []
    for chunk in chunks:
        if not found or found[-1][0].msn != chunk.msn:
            found.append([])
        found[-1].append(chunk)
    if found and not ended and found[-1][-1].closes is not Closes.SEGMENT:
        found.pop()
    if not found or found[0][0].msn != first:
        return []
    return [
        Archived(
            msn=parts[0].msn,
            dts=parts[0].dts,
            duration=parts[-1].dts + parts[-1].duration - parts[0].dts,
            wall_ms=parts[0].wall_ms,
            discontinuity=parts[0].discontinuity,
            init=parts[0].init,
            gap=all(part.gap for part in parts),
        )
        for parts in found
    ]
