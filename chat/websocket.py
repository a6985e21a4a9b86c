"""uvicorn's WebSocket protocol for chat: frames that were made once go to the transport as they are.

`uvicorn --ws chat.websocket:FanOutProtocol`. ASGI's `send` encodes a frame and runs several coroutines for each socket.
Here the scope offers, as the extension `WRITE`, a call that writes a frame's bytes at once, or says that the socket
can't take them just now; then `send` is there as ever. Applications that know nothing of it notice nothing.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from chat.hub.outbox import Write

WRITE = "headrace.write"
"""The extension's name in a scope; `call` of it is a `Write`."""


class FanOutProtocol(WebSocketsSansIOProtocol):
    """See the module."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:  # else it was refused, and has no scope
            self.scope["extensions"][WRITE] = {"call": self.write}

    def start_keepalive(self) -> None:
        """The handshake is over: what a browser sent with it, some KiB of headers, is kept for no socket."""
        super().start_keepalive()
        del self.request, self.response, self.scope

    def write(self, frame: bytes) -> bool:
        """See `Write`."""
        if self.disconnected or self.conn.state is not State.OPEN or not self.writable.is_set():
            return False
        self.transport.write(frame)
        return True


def write_of(scope: Any) -> Write | None:
    """A scope's `Write`; None under a server that has none."""
    extension = scope.get("extensions", {}).get(WRITE)
    return extension["call"] if extension else None
