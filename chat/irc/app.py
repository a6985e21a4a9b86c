"""The ASGI application of the IRC port: WebSockets at `/`, subprotocol `irc` or none."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from starlette.types import Receive, Scope, Send

from chat import process
from chat.hub.outbox import Outbox
from chat.irc.connection import Connection
from chat.websocket import write_of

logger = logging.getLogger(__name__)

PING_S = 240.0
MAX_FRAME = 16_384


class IrcApplication:
    """Serves connections until it is drained."""

    def __init__(self) -> None:
        self._connections: set[Connection] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 426, "headers": [(b"upgrade", b"websocket")]})
            await send({"type": "http.response.body", "body": b"This port speaks IRC over WebSocket.\n"})

    async def drain(self) -> None:
        """Asks every client to come back elsewhere."""
        for connection in list(self._connections):
            connection.drain()
        await asyncio.sleep(0)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        offered = scope.get("subprotocols", [])
        await send({"type": "websocket.accept", "subprotocol": "irc" if "irc" in offered else None})
        outbox = Outbox(send, write_of(scope))
        await process.start()
        connection = Connection(hub=process.hub(), speech=process.speech(), outbox=outbox, clock=monotonic)
        self._connections.add(connection)
        try:
            await self._listen(connection, receive)
        finally:
            self._connections.discard(connection)
            connection.left()
            outbox.abandon()

    async def _listen(self, connection: Connection, receive: Receive) -> None:
        while not connection.outbox.closed:
            try:
                async with asyncio.timeout(PING_S):
                    event = await receive()
            except TimeoutError:
                connection.send("PING :tmi.twitch.tv")
                continue
            if event["type"] == "websocket.disconnect":
                return
            text = event.get("text")
            if text is None or len(text) > MAX_FRAME:
                connection.outbox.close(1003)
                return
            await connection.received(text)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            await send({"type": f"{event['type']}.complete"})
            if event["type"] == "lifespan.shutdown":
                return
