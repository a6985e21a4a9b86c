"""A network between a house and its storage that has bad days."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto

BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 90\r\nConnection: close\r\n\r\n"
    + b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>".ljust(90)
)


class Day(Enum):
    """What becomes of the next connection."""

    BUSY = auto()
    """It is answered 503."""
    SILENT = auto()
    """It is never answered."""
    BROKEN = auto()
    """It breaks off after some bytes of the answer."""


class Relay:
    """Passes connections on to `target`, but for the next ones of which `days` says otherwise."""

    def __init__(self, target: int) -> None:
        self.days: deque[Day] = deque()
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        day = self.days.popleft() if self.days else None
        with suppress(OSError):
            if day is Day.SILENT:
                return  # it stays open
            with closing(client):
                if day is Day.BUSY:
                    client.recv(65_536)
                    client.sendall(BUSY)
                    return
                with socket.create_connection(("127.0.0.1", self._target)) as server:
                    up = threading.Thread(target=_pass, args=(client, server, None), daemon=True)
                    up.start()
                    _pass(server, client, 200 if day is Day.BROKEN else None)


def _pass(source: socket.socket, target: socket.socket, most: int | None) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            if most is not None and len(data) > most:
                target.sendall(data[:most])
                return
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def relay(target: int) -> Iterator[Relay]:
    made = Relay(target)
    try:
        yield made
    finally:
        made.close()
