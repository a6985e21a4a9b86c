"""Static files over ASGI, from WhiteNoise's index of them: compressed, conditional and by range, past Django.

WhiteNoise's own middleware answers Django synchronously, which under ASGI means a thread and the whole file at once.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from whitenoise.middleware import WhiteNoiseMiddleware

READ = 262_144
"""Bytes read at a time: most files are one such piece."""


class Assets:
    """The ASGI application of `/static/`. WhiteNoise's settings are those of Django."""

    def __init__(self) -> None:
        self.index = WhiteNoiseMiddleware()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        found = self.index.find_file(path) if self.index.autorefresh else self.index.files.get(path)
        if found is None:
            await PlainTextResponse("There is no such file.", status_code=404)(scope, receive, send)
            return
        # WhiteNoise reads a request's headers by their CGI names (RFC 3875 4.1.18).
        asked = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in Headers(scope=scope).items()}
        answer = await asyncio.to_thread(found.get_response, scope["method"], asked)
        headers = [*answer.headers, ("X-Content-Type-Options", "nosniff")]
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": int(answer.status), "headers": encoded})
        if answer.file is not None:
            with answer.file as file:
                while piece := await asyncio.to_thread(file.read, READ):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
