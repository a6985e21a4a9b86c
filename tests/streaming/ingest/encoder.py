"""An encoder over a real socket, paced by the test: what it sends is read from FLV clips."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

from streaming.flv.tag import Tag
from tests.streaming.rtmp.client import Client

TIMEOUT = 10.0


class Encoder:
    """Connects, publishes, sends tags, and keeps what the server says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client = Client()
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int, *, tls: ssl.SSLContext | None = None) -> Self:
        """Connects and shakes hands."""
        host = "localhost" if tls else None
        encoder = cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=host))
        await encoder.send(encoder.client.hello())
        await encoder.send(encoder.client.echo())
        return encoder

    async def publish(self, key: str) -> str:
        """Asks to publish: the code of the server's answer."""
        await self.send(self.client.connect() + self.client.chunk_size(65_536) + self.client.publish(key))
        return (await self.status(1))[0]

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def tags(self, tags: Iterable[Tag]) -> None:
        for tag in tags:
            await self.send(self.client.tag(tag))

    async def status(self, number: int) -> tuple[str, str]:
        """Code and sentence of the server's status number `number`, waited for."""
        async with asyncio.timeout(TIMEOUT):
            while len(self.client.statuses()) < number:
                data = await self._reader.read(65_536)
                assert data, f"the server hung up: {self.client.statuses()}"
                self.client.receive(data)
        return self.client.statuses()[number - 1]

    async def ended(self) -> None:
        """Waits until the server hangs up."""
        async with asyncio.timeout(TIMEOUT):
            with suppress(ConnectionError):
                while data := await self._reader.read(65_536):
                    self.client.receive(data)

    async def close(self) -> None:
        """Hangs up like a program that was killed."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def stop(self, key: str) -> None:
        """Stops like one that was told to."""
        await self.send(self.client.unpublish(key))
        await self.close()
