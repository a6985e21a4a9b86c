"""The port on which WHIP is served: uvicorn, inside the event loop of ingest."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any, cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from streaming.guarded_http import GuardedHttp
from streaming.ingest.limits import AddressBook

MAX_REQUESTS = 256
"""Connections and requests at a time; more are answered with 503."""
IDLE_SECONDS = 5
CLOSING_SECONDS = 2

log = structlog.get_logger(__name__)


class _Connection(GuardedHttp):
    """A client's, of whom an address has as many as `addresses` allows.

    A proxy's connections are its clients': it counts them itself.
    """

    def __init__(self, *of_uvicorn: Any, addresses: AddressBook, trusted: Callable[[str], bool], **more: Any) -> None:
        super().__init__(*of_uvicorn, **more)
        self._addresses = addresses
        self._trusted = trusted
        self._counted = ExitStack()
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if not self._trusted(address) and not self._counted.enter_context(self._addresses.connected(address)):
            log.warning("too many connections", address=address)
            self._refused = True
            transport.abort()
            return
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._counted.close()
        if not self._refused:
            super().connection_lost(exc)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: signals are the command's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(
    app: ASGIApp, host: str, port: int, *, addresses: AddressBook, trusted: Sequence[str] = ()
) -> AsyncIterator[int]:
    """Serve while the block lasts, on the port it yields (`port` may be 0). Raises OSError.

    `addresses` bounds the connections; `trusted` are the proxies whose X-Forwarded-For is believed.
    """
    connection = partial(_Connection, addresses=addresses, trusted=_among(trusted))
    listener = _bound(host, port)
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", connection),  # uvicorn only calls it
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


def _among(trusted: Sequence[str]) -> Callable[[str], bool]:
    """Whether an address is one of those that `TRUSTED_PROXIES` names."""
    if "*" in trusted:
        return lambda _: True
    networks = [ip_network(one, strict=False) for one in trusted]
    return lambda address: any(ip_address(address) in network for network in networks)
