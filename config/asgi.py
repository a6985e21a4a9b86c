"""The one ASGI application: playback first, then static files and chat, Django for the rest.

`/streams/<broadcast id>/…` is the hot path and never reaches Django: no middleware, no models, no thread hop. The files
of VODs and clips pass Django by too, which would hold them in memory.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from typing import cast

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Histogram
from starlette.types import ASGIApp, Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from chat import routing as sockets  # noqa: E402 - needs the settings above, as all below
from config.assets import Assets  # noqa: E402
from config.bodies import BoundedBodies  # noqa: E402
from streaming import metrics  # noqa: E402
from streaming.garbage import collect_seldom, keep_what_is_loaded  # noqa: E402
from streaming.playback.app import create_app  # noqa: E402
from vods.playback import app as vods  # noqa: E402
from vods.playback.recordings import Recordings  # noqa: E402

VIEWS_AT_ONCE = 16
PLAYBACK_PATH = re.compile(r"/streams/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.")

PAGES = Histogram("headrace_page_seconds", "From a request for a page or the API to its answer.", ["status"])
"""`status` is 2xx, 3xx, 4xx or 5xx; waiting for a place is part of it."""


class BoundedHandler(ASGIHandler):
    """Django's handler with a bound on the views that run at once, and so on connections to PostgreSQL.

    Only the view is inside the bound, and its connection is given back within it: a client that sends its body or
    reads its answer slowly holds neither a place nor a connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places = asyncio.Semaphore(VIEWS_AT_ONCE)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        async with self.places:
            response = await super().get_response_async(request)
            PAGES.labels(f"{response.status_code // 100}xx").observe(time.monotonic() - began)
            if not response.streaming:
                await sync_to_async(close_old_connections, thread_sensitive=True)()
            return response


class Application:
    """Sends each scope to the application that owns its path."""

    def __init__(self, *, playback: ASGIApp, vods: ASGIApp, chat: ASGIApp, assets: ASGIApp, pages: ASGIApp) -> None:
        self.playback = playback
        self.vods = vods
        self.chat = chat
        self.assets = assets
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Django has no lifespan; playback closes its bus clients there.
        if scope["type"] == "lifespan" or (scope["type"] == "http" and PLAYBACK_PATH.match(scope["path"])):
            await self.playback(scope, receive, send)
        elif scope["type"] == "http" and vods.PATH.fullmatch(scope["path"]):
            await self.vods(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith("/static/"):
            await self.assets(scope, receive, send)
        elif scope["type"] == "http":
            await self.pages(scope, receive, send)
        elif scope["type"] == "websocket" and sockets.PATH.fullmatch(scope["path"]):
            await self.chat(scope, receive, send)
        else:
            await refuse(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the shape of an ASGI app
    """Closes a WebSocket before it opens, which servers answer with 403."""
    await send({"type": "websocket.close", "code": 1000})


application = Application(
    playback=create_app(archive=Recordings(time.monotonic)),
    vods=vods.create_app(),
    chat=sockets.application,
    assets=Assets(),
    pages=BoundedBodies(cast("ASGIApp", BoundedHandler())),
)
metrics.serve("web")
keep_what_is_loaded()
collect_seldom()
