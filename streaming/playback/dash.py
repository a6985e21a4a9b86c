"""DASH beside HLS: a manifest over the very same segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from streaming.bus.demand import REACH
from streaming.dash.manifest import Listed, render_manifest, zero_of
from streaming.hls.moment import format_moment
from streaming.hls.segment import Segment
from streaming.media import AUDIO, SOURCE, BroadcastState, Rendition
from streaming.playback.answers import NEVER, content
from streaming.playback.errors import NotHere, NotYet
from streaming.playback.follower import Follower
from streaming.playback.following import Following
from streaming.playback.player import begun, playlist_answer

MANIFEST_TYPE = "application/dash+xml"
FIRST_S = 2.0
"""How long sound may come after the picture, or the other way round."""


class Dash:
    """Answers for every broadcast; `now_ms` is Unix time, `on_demand` says whether loading a rendition may start it."""

    def __init__(self, following: Following, *, now_ms: Callable[[], int], on_demand: bool) -> None:
        self._following = following
        self._now_ms = now_ms
        self._on_demand = on_demand

    async def manifest(self, request: Request) -> Response:
        """Source, audio and the ladder: listing a rendition doesn't start it or keep it running, loading it does."""
        follower = await begun(self._following, request.path_params["broadcast"])
        listed: list[Listed] = []
        for rendition in follower.description.renditions:
            one = await self._listed(follower, rendition, listed[0].segments if listed else ())
            if one is not None:
                listed.append(one)
        # The first is the source, or audio where there is no picture: the one that the others are cut by.
        if not listed or not listed[0].segments:
            raise NotHere("broadcast's media")
        # Closed segments never change.
        version = (
            follower.has_ended,
            tuple((one.rendition, _numbers(one.segments), _numbers(one.pending)) for one in listed),
        )
        manifest = follower.manifests.get(version, skip=False, render=lambda: self._render(follower, listed))
        return playlist_answer(request, manifest, "public, max-age=1", media_type=MANIFEST_TYPE)

    async def time(self, _request: Request) -> Response:
        """What players set their clocks by (urn:mpeg:dash:utc:http-xsdate:2014): manifests may come out of a cache."""
        return content(format_moment(self._now_ms()).encode(), "text/plain", NEVER)

    async def _listed(self, follower: Follower, rendition: Rendition, leading: Sequence[Segment]) -> Listed | None:
        """What there is of a rendition, and what of the `leading` one's segments it can still have."""
        name = rendition.name
        if name in {SOURCE, AUDIO}:
            # Both close their first segment at almost the same time; players take no track that comes later.
            with suppress(NotYet):
                await follower.wait(name, lambda one: one.timeline.has_begun, within=FIRST_S, what="track")
        elif name not in follower.running:
            return Listed(rendition, (), leading[1 - REACH :]) if self._may_start(follower, name) else None
        followed = await follower.followed(name, wants=False)
        closed = [one for one in followed.timeline.segments if one.closed]
        if follower.has_ended or not followed.on_demand:
            return Listed(rendition, closed)
        first = closed[-1].msn + 1 if closed else follower.running.get(name, 0)
        return Listed(rendition, closed, [one for one in leading if one.msn >= first][1 - REACH :])

    def _may_start(self, follower: Follower, rendition: str) -> bool:
        # dash.js fails for good on what it can't load: nothing is offered that would be refused.
        is_live = follower.description.state is BroadcastState.LIVE
        return self._on_demand and is_live and not follower.short and rendition not in follower.refused

    def _render(self, follower: Follower, listed: Sequence[Listed]) -> str:
        leading = listed[0]
        return render_manifest(
            listed,
            follower.periods.divide(leading.segments, leading.rendition.timescale),
            zero_ms=zero_of(follower.broadcast),
            published_ms=self._now_ms(),
            target_duration=follower.description.target_duration,
            ended=follower.has_ended,
        )


def _numbers(segments: Sequence[Segment]) -> tuple[int, ...]:
    return tuple(one.msn for one in segments)
