"""WHIP's port: who may connect how often, and how long a request may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio
from starlette.responses import PlainTextResponse

from streaming import guarded_http
from streaming.ingest.limits import AddressBook, Limits
from streaming.ingest.whip.server import listening

LIMITS = Limits(connections_per_address=2)


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    async with listening(PlainTextResponse("here"), "127.0.0.1", 0, addresses=book()) as port:
        yield port


def book() -> AddressBook:
    return AddressBook(LIMITS, asyncio.get_running_loop().time)


async def hang_up(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ends(reader: asyncio.StreamReader) -> None:
    """Returns when the server has hung up, without a word."""
    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""


async def is_served(port: int) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200
        except httpx.TransportError:
            return False


async def test_connections_of_one_address_are_bounded(port: int) -> None:
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(LIMITS.connections_per_address)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await ends(reader)
    await hang_up(writer, *(each for _, each in opened))
    async with asyncio.timeout(5):
        while not await is_served(port):
            pass


async def test_a_proxy_s_connections_are_its_own_to_count() -> None:
    for trusted in (["127.0.0.0/8"], ["*"]):
        async with listening(PlainTextResponse("here"), "127.0.0.1", 0, addresses=book(), trusted=trusted) as port:
            opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
            assert await is_served(port)
            await hang_up(*(each for _, each in opened))


@pytest.mark.parametrize("head", [b"", b"POST /whip HTTP/1.1\r\nHost: a\r\n"])
async def test_a_request_s_head_has_a_deadline(port: int, head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "HEAD_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    await ends(reader)
    await hang_up(writer)
