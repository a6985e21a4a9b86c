"""The playback application: `/streams/<broadcast>/…`, with no models, no middleware and no thread hop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from streaming.bus.redis import AsyncValkey
from streaming.playback import convertors  # noqa: F401 - it registers `number` and `name`
from streaming.playback.answers import Endpoint
from streaming.playback.archive import Archive, NoArchive
from streaming.playback.audience import Audience
from streaming.playback.bodies import Bodies
from streaming.playback.dash import Dash
from streaming.playback.dvr import Dvr
from streaming.playback.errors import NotHere
from streaming.playback.following import BROADCASTS, Following
from streaming.playback.player import Player


def create_app(*, bus_url: str = "", state_url: str = "", archive: Archive | None = None) -> Router:
    """The ASGI application, on the Valkeys that the settings name unless told otherwise, and with an archive if any.

    It connects with the first request. Its lifespan ends the followers and closes the connections; a server without
    lifespan (Daphne) leaves that to the process's end.
    """
    bus = AsyncValkey(bus_url or settings.BUS_URL, readers=2 * BROADCASTS)
    state = AsyncValkey(state_url or settings.STATE_URL)
    following = Following(bus, Bodies(), time.monotonic)
    kept = archive or NoArchive()
    player = Player(bus, following, kept)
    dash = Dash(following, now_ms=_unix_ms, on_demand=settings.LADDER_POLICY == "demand")
    dvr = Dvr(bus, following, kept, clock=time.monotonic, now_ms=_unix_ms)
    audience = Audience(bus, state, following, now_ms=_unix_ms, clock=time.monotonic)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        yield
        await following.aclose()
        await bus.aclose()
        await state.aclose()

    broadcast = "/streams/{broadcast}"
    rendition = broadcast + "/{rendition:name}"
    return Router(
        [
            Route(rendition + "/index.m3u8", Endpoint(player.playlist)),
            Route(rendition + "/{msn:number}.{part:number}.m4s", Endpoint(player.part)),
            Route(rendition + "/{msn:number}.m4s", Endpoint(player.segment)),
            Route(rendition + "/init-{number:number}.mp4", Endpoint(player.init)),
            Route(rendition + "/init.mp4", Endpoint(player.newest_init)),
            Route(rendition + "/dvr.m3u8", Endpoint(dvr.playlist)),
            Route(broadcast + "/manifest.m3u8", Endpoint(player.manifest)),
            Route(broadcast + "/manifest.mpd", Endpoint(dash.manifest)),
            Route(broadcast + "/time", Endpoint(dash.time)),
            Route(broadcast + "/dvr.m3u8", Endpoint(dvr.manifest)),
            Route(broadcast + "/status", Endpoint(audience.status)),
            Route(broadcast + "/heartbeat", Endpoint(audience.heartbeat, method="POST")),
            Route(broadcast + "/thumbnail.jpg", Endpoint(audience.thumbnail)),
        ],
        default=Endpoint(nothing_here),
        redirect_slashes=False,
        lifespan=lifespan,
    )


async def nothing_here(_request: Request) -> Response:
    raise NotHere("page")


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000
