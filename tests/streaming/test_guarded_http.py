"""Who keeps a web server waiting is let go; who waits for it is not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect

from streaming import guarded_http
from streaming.guarded_http import MOST_HEAD, GuardedHttp

PATIENCE = 20.0
SECONDS = 0.3
"""The deadlines here."""
LARGE = 64 * 1024**2
"""More than sockets hold."""


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers after twice the deadline, with as much as the path says; a WebSocket as late."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await asyncio.sleep(2 * SECONDS)
        await send({"type": "websocket.send", "text": "late"})
        await receive()
        return
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(2 * SECONDS)
    body = b"x" * int(scope["path"].strip("/"))
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "TAKE_SECONDS"):
        monkeypatch.setattr(guarded_http, name, SECONDS)
    config = uvicorn.Config(serve, http=GuardedHttp, ws="websockets-sansio", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def said(port: int, *sent: bytes) -> bytes:
    """What is answered until the server hangs up."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):
            for data in sent:
                writer.write(data)
                await writer.drain()
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /1 HTTP/1.1\r\nHost: a\r\n",
        b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
        b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunked body"],
)
async def test_who_does_not_go_on_is_let_go_unanswered(port: int, sent: bytes) -> None:
    assert await said(port, sent) == b""


async def test_so_is_who_begins_another_request(port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\nx")).startswith(b"HTTP/1.1 200 OK")
        writer.write(b"GET /1 HTTP/1.1\r\n")
        assert await reader.read() == b""
        writer.close()


async def test_a_head_has_an_end(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "HEAD_SECONDS", 10 * PATIENCE)
    line = b"X: " + b"x" * 1_000 + b"\r\n"
    assert await said(port, b"GET /1 HTTP/1.1\r\n", *[line] * (4 * MOST_HEAD // len(line))) == b""


async def test_who_does_not_take_the_answer_is_let_go(port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        # A reader takes no more than twice its limit until it is read from.
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % LARGE)
        await asyncio.sleep(8 * SECONDS)
        taken = 0
        with suppress(ConnectionError):
            while data := await reader.read(1024**2):
                taken += len(data)
        writer.close()
    assert taken < LARGE


async def test_who_waits_for_a_late_answer_gets_it(port: int) -> None:
    answered = await said(port, b"GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answered.endswith(b"\r\n\r\nxxxxx")


async def test_a_websocket_stays_open(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}/") as late:
        assert await late.recv() == "late"
