"""The embedded Valkeys."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import redis

from deploy.local.valkey import Valkey
from tests import engines


def valkey(folder: Path, *, memory: str = "64mb", durable: bool = False) -> Valkey:
    server = Valkey(name="bus", home=folder / "home", sockets=folder / "run", memory=memory, durable=durable)
    server.prepare()
    return server


@pytest.fixture
def folder(session_folder: Path, request: pytest.FixtureRequest) -> Path:
    folder = session_folder / str(request.node.name)[:30]
    folder.mkdir()
    return folder


def test_socket_is_closed_to_others_and_there_is_no_port(folder: Path) -> None:
    server = valkey(folder)
    with engines.running(server.program()), redis.Redis.from_url(server.url) as client:
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        assert client.config_get("port") == {"port": "0"}


def test_refuses_writes_at_its_bound_instead_of_dropping_keys(folder: Path) -> None:
    server = valkey(folder, memory="8mb")
    with engines.running(server.program()), redis.Redis.from_url(server.url) as client:
        client.set("first", b"x" * 1_000_000)
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.mset({f"key:{index}": b"x" * 1_000_000 for index in range(10)})
        assert client.exists("first")


def test_durable_one_keeps_its_keys(folder: Path) -> None:
    server = valkey(folder, durable=True)
    for expected in (None, b"1"):
        with engines.running(server.program()), redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == expected
            client.set("kept", 1)


def test_other_one_starts_empty(folder: Path) -> None:
    server = valkey(folder)
    for _ in range(2):
        with engines.running(server.program()), redis.Redis.from_url(server.url) as client:
            assert client.dbsize() == 0
            client.set("lost", 1)
