"""The listening sockets: RTMP, and RTMPS where there is a certificate."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from streaming.ingest.connection import EncoderConnection, Open
from streaming.ingest.limits import AddressBook, Limits
from streaming.rtmp.handshake import RANDOM

BUFFER = 512 * 1024
"""Bytes of a socket that wait to be read, at most; then TCP slows the encoder down."""
CLOSING_SECONDS = 3.0
"""How long encoders' goodbyes may take together when the server stops."""

log = structlog.get_logger(__name__)


class IngestServer:
    """Accepts encoders on any number of sockets; `open_publisher` decides who publishes."""

    def __init__(self, *, open_publisher: Open, addresses: AddressBook, limits: Limits) -> None:
        self._open = open_publisher
        self._addresses = addresses
        self._limits = limits
        self._serving: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        """Accept encoders while the block lasts, on the port it yields (`port` may be 0). Raises OSError.

        At its end no more are accepted, and those that are there are let go.
        """
        server = await asyncio.start_server(
            self._accept,
            host,
            port,
            limit=BUFFER,
            ssl=tls,
            ssl_handshake_timeout=self._limits.handshake if tls else None,
        )
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await self._let_go()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            # the server stops; asyncio would log a cancelled handler as an error
            log.debug("let an encoder go")
        finally:
            self._serving.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if not peer:
            writer.close()
            return
        address = str(peer[0])
        _keep_alive(writer.get_extra_info("socket"))
        with self._addresses.connected(address) as allowed:
            if not allowed:
                log.warning("too many connections", address=address)
                writer.close()
                return
            connection = EncoderConnection(
                reader,
                writer,
                address=address,
                open_publisher=self._open,
                limits=self._limits,
                random=os.urandom(RANDOM),
            )
            try:
                await connection.serve()
            except Exception:
                # a fault of ours must not take the other encoders along
                log.exception("an encoder's connection failed", address=address)

    async def _let_go(self) -> None:
        for task in self._serving:
            task.cancel()
        if self._serving:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    await asyncio.gather(*self._serving, return_exceptions=True)


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer for RTMPS. Raises OSError, ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
