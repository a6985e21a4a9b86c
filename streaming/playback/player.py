"""What players load: playlists, parts, segments and init sections."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from streaming.bus import reading
from streaming.bus.demand import REACH
from streaming.bus.redis import AsyncValkey
from streaming.hls.directives import Directives, parse_directives
from streaming.hls.errors import DirectiveError
from streaming.hls.playlist import render_playlist
from streaming.hls.timeline import Answer
from streaming.playback.answers import ARCHIVED, IMMUTABLE, content
from streaming.playback.archive import Archive
from streaming.playback.errors import BadRequest, NotHere, UnknownBroadcast, UnknownRendition
from streaming.playback.followed import FollowedRendition
from streaming.playback.follower import Follower
from streaming.playback.following import Following
from streaming.playback.playlists import Playlist, multivariant, rendition_reports
from streaming.playback.window import PartEntries

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
MEDIA_TYPE = "video/mp4"
BEGIN_S = 6.0
"""How long a player waits for a broadcast's, or an idle rendition's, first whole segment."""
RELOAD_TARGETS = 3
"""A blocking reload waits so many target durations (RFC 8216bis 6.2.5.2)."""
LEAST_TARGET_S = 2


class Player:
    """Answers for every broadcast."""

    def __init__(self, bus: AsyncValkey, following: Following, archive: Archive) -> None:
        self._bus = bus
        self._following = following
        self._archive = archive

    async def manifest(self, request: Request) -> Response:
        """The multivariant playlist, from when its media playlists can be loaded: TARGETDURATION is fixed then."""
        follower = await begun(self._following, request.path_params["broadcast"])
        return playlist_answer(request, multivariant(follower.description), "public, max-age=2")

    async def playlist(self, request: Request) -> Response:
        """A media playlist, once it has what the player's directives ask for."""
        try:
            directives = parse_directives(request.query_params)
        except DirectiveError as error:
            raise BadRequest(str(error)) from error
        follower = await begun(self._following, request.path_params["broadcast"])
        followed = await follower.followed(request.path_params["rendition"])
        answer = followed.timeline.answer(directives)
        if answer is Answer.WAIT:
            followed = await self._wait(follower, followed, directives)
            answer = followed.timeline.answer(directives)
        if answer is Answer.REFUSE:
            raise BadRequest("_HLS_msn: is more than two segments ahead")
        if not followed.timeline.has_begun:
            raise NotHere("rendition's media")
        # A blocking reload's answer is the same for everyone who asks for that state; a plain one is soon stale.
        cache = "public, max-age=6" if directives.msn is not None else "public, max-age=1"
        if followed.timeline.ended:
            cache = "public, max-age=10"
        return playlist_answer(request, _render(follower, followed, skip=directives.skip), cache)

    async def part(self, request: Request) -> Response:
        """A part; one that is being made is waited for (EXT-X-PRELOAD-HINT)."""
        msn, number = request.path_params["msn"], request.path_params["part"]
        follower, followed = await self._rendition(request)
        if followed.window.is_due(msn, number):
            followed = await follower.wait(
                followed.name,
                lambda one: not one.window.is_due(msn, number),
                within=RELOAD_TARGETS * (follower.description.target_duration or LEAST_TARGET_S),
                what=f"part {msn}.{number}",
            )
        part = followed.window.part(msn, number)
        return await self._media(follower, followed, [part] if part else [], f"part {msn}.{number}")

    async def segment(self, request: Request) -> Response:
        """A whole segment: its address stays when it has gone from the bus to the archive. What a DASH manifest lists
        of a rendition that has only just been asked for is waited for.
        """
        broadcast, name, msn = (request.path_params[key] for key in ("broadcast", "rendition", "msn"))
        try:
            follower = await self._following.follower(broadcast)
            followed = await follower.followed(name, since=msn if msn >= follower.newest_msn - REACH else None)
            if followed.is_due(msn, follower.newest_msn):
                followed = await follower.wait(
                    name,
                    lambda one: not one.is_due(msn, follower.newest_msn),
                    within=BEGIN_S,
                    what=f"segment {msn} of {name}",
                )
            segment = followed.window.segments.get(msn)
            parts = segment.parts if segment and segment.whole else []
            return await self._media(follower, followed, parts, f"segment {msn}")
        except (NotHere, UnknownBroadcast, UnknownRendition):
            body = await self._archive.segment(broadcast, name, msn)
            if body is None:
                raise
            return content(body, MEDIA_TYPE, ARCHIVED)

    async def init(self, request: Request) -> Response:
        """An init section. It is read from the bus: a player loads it once."""
        broadcast, rendition, number = (request.path_params[name] for name in ("broadcast", "rendition", "number"))
        section = await self._bus.run(reading.init_section(broadcast, rendition, number))
        if section is None:
            section = await self._archive.init(broadcast, rendition, number)
        if section is None:
            raise NotHere(f"init section {number}")
        return content(section, MEDIA_TYPE, IMMUTABLE)

    async def newest_init(self, request: Request) -> Response:
        """The init section of a rendition whatever its number: known once the rendition runs, which is waited for."""
        broadcast, name = request.path_params["broadcast"], request.path_params["rendition"]
        follower = await begun(self._following, broadcast)
        # Which segment the player wants is not known yet.
        await follower.followed(name, since=max(0, follower.newest_msn - REACH))
        followed = await follower.wait(
            name, lambda one: bool(one.timeline.segments), within=BEGIN_S, what=f"init section of {name}"
        )
        if not followed.timeline.segments:
            raise NotHere("init section")
        section = await self._bus.run(reading.init_section(broadcast, name, followed.timeline.segments[-1].init))
        if section is None:
            raise NotHere("init section")
        return content(section, MEDIA_TYPE, "public, max-age=1")

    async def _rendition(self, request: Request) -> tuple[Follower, FollowedRendition]:
        follower = await self._following.follower(request.path_params["broadcast"])
        return follower, await follower.followed(request.path_params["rendition"])

    async def _wait(self, follower: Follower, followed: FollowedRendition, directives: Directives) -> FollowedRendition:
        if not followed.timeline.has_begun:
            followed = await follower.wait(
                followed.name,
                lambda one: one.timeline.has_begun,
                within=BEGIN_S,
                what=f"first segment of {followed.name}",
            )
        if followed.timeline.answer(directives) is not Answer.WAIT:
            return followed
        return await follower.wait(
            followed.name,
            lambda one: one.timeline.answer(directives) is not Answer.WAIT,
            within=RELOAD_TARGETS * follower.description.target_duration,
            what=f"segment {directives.msn} of {followed.name}",
        )

    async def _media(
        self, follower: Follower, followed: FollowedRendition, parts: list[PartEntries], what: str
    ) -> Response:
        # What has a gap can't be loaded (EXT-X-GAP, GAP=YES).
        if not parts or any(part.gap or not part.whole for part in parts):
            raise NotHere(what)
        return content(await follower.body(followed.name, parts), MEDIA_TYPE, IMMUTABLE)


async def begun(following: Following, broadcast: str) -> Follower:
    """The broadcast, once there is something to list. Raises UnknownBroadcast, NotYet, NotHere."""
    follower = await following.follower(broadcast)
    if not follower.has_begun:
        await follower.begun(within=BEGIN_S)
    if not follower.has_begun:
        raise NotHere("broadcast's media")
    return follower


def _render(follower: Follower, followed: FollowedRendition, *, skip: bool) -> Playlist:
    """The rendition's playlist as of now, made once for all who ask for it."""
    return followed.playlists.get(
        (followed.version, followed.timeline.version),
        skip=skip,
        render=lambda: render_playlist(
            followed.timeline,
            target_duration=follower.description.target_duration,
            reports=rendition_reports(follower.description, follower.progress, follower.running, besides=followed.name),
            skip=skip,
        ),
    )


def playlist_answer(request: Request, playlist: Playlist, cache: str, *, media_type: str = PLAYLIST_TYPE) -> Response:
    """A playlist, packed where the player takes that."""
    headers = {"vary": "Accept-Encoding"}
    if playlist.packed is not None and accepts_gzip(request.headers.get("accept-encoding", "")):
        return content(playlist.packed, media_type, cache, {**headers, "content-encoding": "gzip"})
    return content(playlist.plain, media_type, cache, headers)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip (RFC 9110 12.5.3): not if it says so with a weight of 0."""
    for coding in header.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in {"gzip", "*"}:
            return weight.replace(" ", "").rstrip("0") not in {"q=", "q=0."}
    return False
