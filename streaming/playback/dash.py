"""DASH beside HLS: a manifest over the very same segments."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from streaming.dash.manifest import Listed, render_manifest, zero_of
from streaming.media import AUDIO, SOURCE
from streaming.playback.answers import content
from streaming.playback.errors import NotHere, NotYet
from streaming.playback.following import Following
from streaming.playback.player import begun

MANIFEST_TYPE = "application/dash+xml"
FIRST_S = 2.0
"""How long sound may come after the picture, or the other way round."""


class Dash:
    """Answers for every broadcast; `now_ms` is Unix time."""

    def __init__(self, following: Following, *, now_ms: Callable[[], int]) -> None:
        self._following = following
        self._now_ms = now_ms

    async def manifest(self, request: Request) -> Response:
        """Source, audio, and what of the ladder runs: listing it doesn't keep it running, loading its segments does."""
        follower = await begun(self._following, request.path_params["broadcast"])
        description = follower.description
        listed = []
        for rendition in description.renditions:
            if rendition.name in {SOURCE, AUDIO}:
                # Both close their first segment at almost the same time; players take no track that comes later.
                with suppress(NotYet):
                    await follower.wait(
                        rendition.name, lambda one: one.timeline.has_begun, within=FIRST_S, what="track"
                    )
            if rendition.name in {SOURCE, AUDIO} or rendition.name in follower.running:
                followed = await follower.followed(rendition.name, wants=False)
                listed.append(Listed(rendition, [one for one in followed.timeline.segments if one.closed]))
        # The first is the source, or audio where there is no picture: the one that the others are cut by.
        if not listed or not listed[0].segments:
            raise NotHere("broadcast's media")
        leading = listed[0]
        text = render_manifest(
            listed,
            follower.periods.divide(leading.segments, leading.rendition.timescale),
            zero_ms=zero_of(description.broadcast),
            now_ms=self._now_ms(),
            target_duration=description.target_duration,
            ended=follower.has_ended,
        )
        return content(text.encode(), MANIFEST_TYPE, "public, max-age=1")
