"""uvicorn's protocol for chat writes ready-made frames, and refuses them when they would not arrive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.asyncio.client import connect

from chat.hub.frame import Frame
from chat.hub.outbox import Write
from chat.websocket import FanOutProtocol, write_of


class Application:
    """Accepts one socket, and lets a test write to it."""

    def __init__(self) -> None:
        self.write: asyncio.Future[Write] = asyncio.get_running_loop().create_future()
        self.left = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        write = write_of(scope)
        assert write
        assert not write(Frame("too early").wire)
        await receive()
        await send({"type": "websocket.accept"})
        self.write.set_result(write)
        await receive()
        self.left.set()


@contextlib.asynccontextmanager
async def serving(application: Application) -> AsyncIterator[str]:
    config = uvicorn.Config(application, lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: FanOutProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("text", ["x", "é" * 100, "🙂" * 20_000], ids=["short", "of two bytes", "of eight bytes"])
async def test_a_frame_is_written_as_it_is_while_the_socket_is_open(text: str) -> None:
    application = Application()
    async with serving(application) as url:
        async with connect(url, compression=None, max_size=None) as socket:
            write = await application.write
            assert write(Frame(text).wire)
            assert await socket.recv() == text
        await application.left.wait()
        assert not write(Frame(text).wire)


async def test_a_peer_that_reads_nothing_is_written_to_no_more() -> None:
    application = Application()
    async with serving(application) as url, connect(url, compression=None, max_size=None) as socket:
        write = await application.write
        socket.transport.pause_reading()
        frame = Frame("x" * 60_000).wire
        taken = 0
        while write(frame):
            taken += 1
            await asyncio.sleep(0)
            assert taken < 1_000
        socket.transport.resume_reading()
        for _ in range(taken):
            await socket.recv()
        assert write(frame)
