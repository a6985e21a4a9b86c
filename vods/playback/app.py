"""The application of recorded media: `/vods/<id>/…` and `/clips/<id>/…`."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from starlette.routing import Route, Router

from streaming.playback.answers import Endpoint
from streaming.playback.app import nothing_here
from vods.playback.films import Films
from vods.playback.ranges import Files
from vods.playback.shelf import Shelf

_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PATH = re.compile(rf"/(vods|clips)/{_ID}/[^/]+(\.[a-z0-9]+|/[^/]+\.[a-z0-9]+)")
"""Files, which have an ending; what has none under these addresses is Django's."""


def create_app() -> Router:
    """The ASGI application. It reads database and storage in threads, a bounded number at once."""
    films = Films(Shelf(time.monotonic), Files(), now=lambda: datetime.now(UTC))
    vod, clip = "/vods/{vod:uuid}", "/clips/{clip:uuid}"
    rendition = vod + "/{rendition:name}"
    return Router(
        [
            Route(vod + "/manifest.m3u8", Endpoint(films.manifest)),
            Route(vod + "/storyboard.vtt", Endpoint(films.storyboard)),
            Route(vod + "/storyboard-{number:number}.jpg", Endpoint(films.sheet)),
            Route(vod + "/poster.jpg", Endpoint(films.poster)),
            Route(vod + "/chat-{number:number}.json", Endpoint(films.chat)),
            Route(vod + "/preview.mp4", Endpoint(films.preview)),
            Route(vod + "/audio.m4a", Endpoint(films.audio)),
            Route(vod + "/video-{number:number}.mp4", Endpoint(films.video)),
            Route(rendition + "/index.m3u8", Endpoint(films.playlist)),
            Route(rendition + "/init-{number:number}.mp4", Endpoint(films.init)),
            Route(rendition + "/{first_msn:number}-{crc32:number}.m4s", Endpoint(films.bundle)),
            Route(clip + "/clip.mp4", Endpoint(films.clip)),
            Route(clip + "/poster.jpg", Endpoint(films.clip_poster)),
        ],
        default=Endpoint(nothing_here),
        redirect_slashes=False,
    )
