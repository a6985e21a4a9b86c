"""HTTP with bounds on what a client may leave undone: uvicorn waits for ever for a request, and for its reader."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""From the connection, or a request's first byte, until its head is whole."""
BODY_SECONDS = 30.0
"""From there until its body is."""
TAKE_SECONDS = 60.0
"""How long a client may take nothing of what waits for it."""
MOST_HEAD = 64 * 1024
"""Bytes of a head."""


class GuardedHttp(HttpToolsProtocol):
    """uvicorn's protocol, that hangs up on who keeps it waiting, or sends a head without end."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._request: asyncio.TimerHandle | None = None
        """Until the request must be whole; None while none is awaited."""
        self._taking: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_request(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._await_request(None)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head = self._head + len(data) if self._in_head else 0
        if self._head > MOST_HEAD:
            self.transport.close()

    def on_message_begin(self) -> None:
        self._in_head = True
        self._await_request(HEAD_SECONDS)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._await_request(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._await_request(None)
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking = self.loop.call_later(TAKE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        super().resume_writing()

    def _await_request(self, seconds: float | None) -> None:
        if self._request is not None:
            self._request.cancel()
        self._request = None if seconds is None else self.loop.call_later(seconds, self.transport.close)
