"""A live broadcast from its start: playlists that only grow, over the archive and the bus.

They have segments and no parts, so they are some seconds behind; a player goes there to look back, and returns to the
live playlists. Segments have the same addresses in both. Of the ladder there is what ran: while nobody wanted a
rendition its time is GAP, and players take another there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from streaming.bus import reading
from streaming.bus.layout import KEEP_HELD_MS
from streaming.bus.redis import AsyncValkey
from streaming.hls.multivariant import render_multivariant
from streaming.hls.playlist import segment_uri
from streaming.hls.recording import Recorded, render_event
from streaming.media import AUDIO, SOURCE, Chunk, Closes, Rendition
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
LAG = 2
"""A segment of the ladder that is not there once the source has so many behind it will not come any more."""
SETTLE_MS = 8_000
"""So long after the last picture the ladder is through with the last segment, or has given it up."""


@dataclass(frozen=True, slots=True)
class _Made:
    at: float
    playlist: Playlist


class Dvr:
    """Answers for every broadcast; `clock` is a steady one in seconds, `now_ms` UTC."""

    def __init__(
        self,
        bus: AsyncValkey,
        following: Following,
        archive: Archive,
        *,
        clock: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._bus = bus
        self._following = following
        self._archive = archive
        self._clock = clock
        self._now_ms = now_ms
        self._made: dict[tuple[str, str], _Made] = {}

    async def manifest(self, request: Request) -> Response:
        """The multivariant playlist. 404 if the broadcast can't be watched from its start."""
        follower = await begun(self._following, request.path_params["broadcast"])
        offered = _offered(follower)
        if not offered or await self._archive.segments(follower.broadcast, offered[0].name) is None:
            raise NotHere("broadcast's start")
        text = render_multivariant(offered, playlist="dvr.m3u8")
        return playlist_answer(request, Playlist.of(text), "public, max-age=10")

    async def playlist(self, request: Request) -> Response:
        """A media playlist (EXT-X-PLAYLIST-TYPE:EVENT) from the broadcast's start to its last whole segment."""
        follower = await begun(self._following, request.path_params["broadcast"])
        name = request.path_params["rendition"]
        rendition = next((one for one in _offered(follower) if one.name == name), None)
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
        lead = follower.description.renditions[0]
        leads = rendition.name in (lead.name, AUDIO)
        segments = await self._unbroken(follower, rendition if leads else lead, ended=ended)
        if segments and not leads:
            settled = ended and self._now_ms() > segments[-1].wall_ms + SETTLE_MS
            found = await self._made_of(follower, rendition, settled=settled)
            own = beside(found, segments, scale=Fraction(rendition.timescale, lead.timescale), settled=settled)
            ended = ended and len(own) == len(segments)
            segments = own
        if not segments:
            raise NotHere("first segment")
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

    async def _unbroken(self, follower: Follower, rendition: Rendition, *, ended: bool) -> list[Archived]:
        """What is archived, and behind it what is on the bus, if that has it from there on: an EVENT playlist has no
        holes."""
        archived = await self._archive.segments(follower.broadcast, rendition.name)
        if archived is None:
            raise NotHere("broadcast's start")
        first = archived[-1].msn + 1 if archived else 0
        live = await self._on_bus(follower, rendition, first=first, all_whole=ended)
        return [*archived, *live] if live and live[0].msn == first else list(archived)

    async def _made_of(self, follower: Follower, rendition: Rendition, *, settled: bool) -> dict[int, Archived]:
        """What there is of a rendition of the ladder, by MSN."""
        archived = await self._archive.segments(follower.broadcast, rendition.name) or []
        first = archived[-1].msn + 1 if archived else 0
        live = await self._on_bus(follower, rendition, first=first, all_whole=settled)
        return {segment.msn: segment for segment in (*archived, *live) if not segment.gap}

    async def _on_bus(self, follower: Follower, rendition: Rendition, *, first: int, all_whole: bool) -> list[Archived]:
        """The whole segments on the bus from MSN `first` on; the last one counts only if it was closed, or if
        `all_whole`."""
        call = reading.headers(follower.broadcast, rendition.name, span_ms=KEEP_HELD_MS, from_msn=first)
        headers = await self._bus.run(call)
        groups = [list(parts) for _, parts in groupby((chunk for _, chunk, _ in headers), key=lambda chunk: chunk.msn)]
        if groups and not all_whole and groups[-1][-1].closes is not Closes.SEGMENT:
            groups.pop()
        # Of source and audio a segment that is there in part is played, of the ladder there is another rendition.
        missing = all if rendition.name in (SOURCE, AUDIO) else any
        return [_segment(parts, gap=missing(part.gap for part in parts)) for parts in groups]


def beside(
    found: Mapping[int, Archived], leading: Sequence[Archived], *, scale: Fraction, settled: bool
) -> list[Archived]:
    """A rendition's segments next to the leading ones, up to one that may still come; what was not made is GAP.

    `scale` is its ticks to one of the leading rendition's. Nothing may come any more once it is `settled`. Empty as
    long as there is none: its playlist begins with an init section.
    """
    first = next((found[model.msn] for model in leading if model.msn in found), None)
    if first is None:
        return []
    segments: list[Archived] = []
    init = first.init
    for model in leading:
        segment = found.get(model.msn)
        if segment is None:
            if model.msn > leading[-1].msn - LAG and not settled:
                break
            dts = int(model.dts * scale)
            duration = int((model.dts + model.duration) * scale) - dts
            segment = replace(model, dts=dts, duration=duration, init=init, gap=True)
        init = segment.init
        segments.append(segment)
    return segments


def _offered(follower: Follower) -> Sequence[Rendition]:
    """Source and audio, and what of the ladder has run by now."""
    renditions = follower.description.renditions
    return [one for one in renditions if one.name in {renditions[0].name, AUDIO, *follower.progress}]


def _segment(parts: Sequence[Chunk], *, gap: bool) -> Archived:
    first, last = parts[0], parts[-1]
    return Archived(
        msn=first.msn,
        dts=first.dts,
        duration=last.dts + last.duration - first.dts,
        wall_ms=first.wall_ms,
        discontinuity=first.discontinuity,
        init=next((part.init for part in parts if not part.gap), first.init),
        gap=gap,
    )
