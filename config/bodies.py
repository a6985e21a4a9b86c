"""A bound on what may be sent to the pages: Django itself takes a body of any size, and keeps it on disk."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 4 * 1024 * 1024
"""Eight times the largest picture, so that who picks a large one reads that on its form."""


class BoundedBodies:
    """Answers 413 in place of `application` to a request whose body is larger (RFC 9110 15.5.14).

    The application must have read the body before it answers, as Django's does.
    """

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = int(Headers(scope=scope).get("content-length", 0))
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message if read <= MOST_BYTES else {"type": "http.disconnect"}

        if size <= MOST_BYTES:
            await self.application(scope, bounded, send)
        if max(size, read) > MOST_BYTES:
            sentence = f"A request may have at most {MOST_BYTES // 1024**2} MiB.\n"
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            # What still comes of it is not read.
            await PlainTextResponse(sentence, status, {"connection": "close"})(scope, receive, send)
