"""A text frame, made once for any number of sockets."""

from __future__ import annotations

from typing import Any

from websockets.frames import Frame as Wire
from websockets.frames import Opcode


class Frame:
    """`event` is what an ASGI server's `send` takes; `wire` are its bytes as they travel (RFC 6455, 5.2)."""

    __slots__ = ("event", "wire")

    def __init__(self, text: str) -> None:
        self.event: dict[str, Any] = {"type": "websocket.send", "text": text}
        self.wire = Wire(Opcode.TEXT, text.encode()).serialize(mask=False)
