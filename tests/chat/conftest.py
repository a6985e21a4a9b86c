"""Rooms, people in them, and real servers with sockets to both."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect

from accounts.models import User
from accounts.services import issue_api_token
from deploy.local.errors import EngineFailed
from streaming import services
from streaming.models import Channel

LOGINS = itertools.count()
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Server:
    """A web process of its own, as `make run` starts it."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serve(folder: Path, server: str = "uvicorn", **environment: str) -> Iterator[Server]:
    """Runs the application under uvicorn or Daphne until the block ends."""
    port = free_port()
    argv = {
        "uvicorn": [
            *("uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", str(port)),
            *("--ws", "chat.websocket:FanOutProtocol", "--ws-max-size", "65536", "--ws-per-message-deflate", "false"),
            *("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "1"),
        ],
        "daphne": ["daphne", "config.asgi:application", "-b", "127.0.0.1", "-p", str(port), "-v", "0"],
    }[server]
    log = folder / f"web-{port}.log"
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment}
    with (
        log.open("wb") as said,
        subprocess.Popen([sys.executable, "-m", *argv], env=env, stdout=said, stderr=said) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while not serves(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise EngineFailed(name=server, what="did not start", tail=log.read_text()[-2_000:])
                time.sleep(0.05)
            yield Server(port, process)
        finally:
            process.terminate()  # it gives back its connections to PostgreSQL, which are in the way of the teardown
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


def serves(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=1).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Socket:
    """A client's side of a room."""

    connection: ClientConnection
    welcome: dict[str, Any] = field(default_factory=dict)
    frames: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def get(self, kind: str, *, seconds: float = 5.0) -> dict[str, Any]:
        """The next frame of a type; those before it stay in `frames`."""
        async with asyncio.timeout(seconds):
            while True:
                frame: dict[str, Any] = json.loads(await self.connection.recv())
                if frame["type"] == kind:
                    return frame
                self.frames.append(frame)

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        """Says a text; the `ack` or the `error`."""
        await self.send(type="message", text=text, nonce="n", **more)
        async with asyncio.timeout(5):
            while True:
                frame: dict[str, Any] = json.loads(await self.connection.recv())
                if frame["type"] in {"ack", "error"}:
                    return frame
                self.frames.append(frame)

    async def messages(self, count: int, *, seconds: float = 5.0) -> list[dict[str, Any]]:
        """The next `count` messages, in order."""
        found = [message for frame in self.take("messages") for message in frame["messages"]]
        while len(found) < count:
            found += (await self.get("messages", seconds=seconds))["messages"]
        return found

    def take(self, kind: str) -> list[dict[str, Any]]:
        """The frames of a type that were put aside, and no more are."""
        taken = [frame for frame in self.frames if frame["type"] == kind]
        self.frames = [frame for frame in self.frames if frame["type"] != kind]
        return taken


Connect = Callable[..., Any]


@pytest.fixture(scope="session")
def web(
    session_folder: Path,
    postgres_server: None,
    bus_server: None,
    state_server: None,
    django_db_setup: None,
) -> Iterator[Server]:
    with serve(session_folder) as server:
        yield server


@pytest.fixture(scope="session")
def second_web(
    session_folder: Path,
    postgres_server: None,
    bus_server: None,
    state_server: None,
    django_db_setup: None,
) -> Iterator[Server]:
    with serve(session_folder) as server:
        yield server


@pytest.fixture
def make_user(db: None) -> Callable[[str], User]:
    """Makes a user with a channel."""

    def make(login: str) -> User:
        user = User.objects.create_user(login, password="pass word 1")
        services.create_channel(user=user, now=NOW)
        return user

    return make


@pytest.fixture
def alice(make_user: Callable[[str], User]) -> User:
    """The broadcaster. Her login is another in each test: servers remember whose room a login's is."""
    return make_user(f"alice_{next(LOGINS)}")


@pytest.fixture
def bobby(make_user: Callable[[str], User]) -> User:
    """A viewer."""
    return make_user("bobby")


@pytest.fixture
def carol(make_user: Callable[[str], User]) -> User:
    """Another viewer; some tests make her a moderator."""
    return make_user("carol")


@pytest.fixture
def channel(alice: User) -> Channel:
    return alice.channel


def cookie_of(user: User) -> str:
    """The session cookie of a signed-in user."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


def token_of(user: User) -> str:
    return issue_api_token(user=user, name="test", now=NOW)[1]


@pytest.fixture
async def enter() -> AsyncIterator[Connect]:
    """Opens a socket: `await enter(server, login, cookie=…)`; its welcome has come."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_socket(server: Server, login: str, *, cookie: str = "", query: str = "", **more: Any) -> Socket:
            headers = {"Cookie": cookie} if cookie else {}
            connection = await stack.enter_async_context(
                connect(
                    f"ws://127.0.0.1:{server.port}/ws/chat/{login}/{query}",
                    additional_headers=headers | more.pop("headers", {}),
                    compression=None,
                    max_size=None,
                    **more,
                )
            )
            opened = Socket(connection)
            opened.welcome = await opened.get("welcome")
            return opened

        yield open_socket
