"""The WebSocket addresses of rooms and of notices."""

from __future__ import annotations

import re

from starlette.types import Receive, Scope, Send

from chat import notices
from chat.consumers import ChatConsumer

ROOM = re.compile(r"/ws/chat/([A-Za-z0-9_]{4,25})/?")
PATH = re.compile(rf"{ROOM.pattern}|/ws/notices/?")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serves PATH. Channels' URLRouter would keep two copies of the scope for each socket."""
    if match := ROOM.fullmatch(scope["path"]):
        await ChatConsumer(match[1].lower())(scope, receive, send)
    else:
        await notices.application(scope, receive, send)
