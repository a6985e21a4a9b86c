"""How playback answers: headers, errors as JSON, and the shape of an endpoint."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streaming.bus.errors import BusError
from streaming.playback import metrics
from streaming.playback.errors import PlaybackError

logger = logging.getLogger(__name__)

IMMUTABLE = "public, max-age=31536000, immutable"
"""Parts, segments and init sections never change under their URLs."""
ARCHIVED = "public, max-age=31536000, s-maxage=10, immutable"
"""The same of what has left the bus; but a cache that serves many asks again soon whether it still may."""
NEVER = "no-store"

# Players elsewhere may play; a VOD's segments are ranges of files.
CROSS_ORIGIN = {"access-control-allow-origin": "*", "access-control-expose-headers": "Content-Range"}
_PREFLIGHT = {
    **CROSS_ORIGIN,
    "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
    "access-control-allow-headers": "Content-Type, Range",
    "access-control-max-age": "86400",
    "cache-control": "public, max-age=86400",
}


class Endpoint:
    """An ASGI app that answers one URL: `answer` makes the response, or raises what becomes one."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]], *, method: str = "GET") -> None:
        self._answer = answer
        self._what = answer.__name__
        self._methods = {"GET", "HEAD"} if method == "GET" else {method}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        response = await self._respond(Request(scope, receive))
        metrics.SECONDS.labels(self._what, response.status_code).observe(time.monotonic() - began)
        metrics.BYTES.inc(int(response.headers.get("content-length", 0)))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        if request.method not in self._methods:
            headers = {"allow": ", ".join(sorted({*self._methods, "OPTIONS"}))}
            return _refusal(405, "method_not_allowed", "This URL doesn't know that method.", headers)
        try:
            return await self._answer(request)
        except PlaybackError as error:
            headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
            return _refusal(error.status, error.code, str(error), headers)
        except BusError as error:
            logger.warning("%s: %s", request.url.path, error)
            return _refusal(503, "bus_unavailable", "The media bus can't be reached.", {"retry-after": "1"})
        except ClientDisconnect:
            return Response(status_code=400)


def content(body: bytes, media_type: str, cache: str, headers: Mapping[str, str] | None = None) -> Response:
    """A response that players elsewhere may read too."""
    return Response(
        body, headers={"content-type": media_type, "cache-control": cache, **CROSS_ORIGIN, **(headers or {})}
    )


def as_json(values: Mapping[str, Any], *, cache: str = NEVER) -> Response:
    return content(json.dumps(values, separators=(",", ":")).encode(), "application/json", cache)


def _refusal(status: int, code: str, sentence: str, headers: Mapping[str, str]) -> Response:
    response = as_json({"code": code, "message": sentence})
    response.status_code = status
    response.headers.update(headers)
    return response
