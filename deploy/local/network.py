"""Ports that programs are about to listen on, and whether one listens."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

from deploy.local.errors import PortTaken

LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Each wildcard's loopback."""


@dataclass(frozen=True, slots=True)
class Port:
    """`use` is what listens there, in the words of a sentence; `variable` is the setting that moves it."""

    host: str
    number: int
    use: str
    variable: str

    @property
    def is_everywhere(self) -> bool:
        """Whether it is listened on at all of this machine's addresses."""
        return self.host in LOOPBACKS

    def check_free(self, command: str = "make run") -> None:
        """Raises PortTaken; `command` is what the person at the terminal has typed."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT of the last run is no neighbour
            try:
                probe.bind((self.host, self.number))
            except OSError as error:
                raise PortTaken(port=self.number, use=self.use, command=f"{command} {self.variable}") from error

    def serves(self) -> bool:
        """Whether a connection is accepted, from this machine."""
        host = LOOPBACKS.get(self.host, self.host)
        with contextlib.suppress(OSError), socket.create_connection((host, self.number), timeout=1):
            return True
        return False
