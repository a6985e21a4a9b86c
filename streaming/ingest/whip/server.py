"""The port on which WHIP is served: uvicorn, inside the event loop of ingest."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

MAX_REQUESTS = 256
"""Connections and requests at a time; more are answered with 503."""
IDLE_SECONDS = 5
CLOSING_SECONDS = 2


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: signals are the command's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(app: ASGIApp, host: str, port: int, *, trusted: Sequence[str] = ()) -> AsyncIterator[int]:
    """Serve while the block lasts, on the port it yields (`port` may be 0). Raises OSError.

    `trusted` are the proxies whose X-Forwarded-For is believed.
    """
    listener = _bound(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=MAX_REQUESTS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=CLOSING_SECONDS,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=list(trusted),
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
