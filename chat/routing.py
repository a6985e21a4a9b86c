"""The WebSocket address of a room."""

from __future__ import annotations

import re

from starlette.types import Receive, Scope, Send

from chat.consumers import ChatConsumer

PATH = re.compile(r"/ws/chat/([A-Za-z0-9_]{4,25})/?")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serves `/ws/chat/<login>/`. Channels' URLRouter would keep two copies of the scope for each socket."""
    match = PATH.fullmatch(scope["path"])
    if match is None:
        await send({"type": "websocket.close", "code": 1000})
        return
    await ChatConsumer(match[1].lower())(scope, receive, send)
