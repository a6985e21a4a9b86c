"""Why `make run` can't start.

LocalError
+-- PortTaken
+-- AlreadyRunning
+-- EngineFailed
+-- ServiceUserMissing
"""

from __future__ import annotations

from pathlib import Path


class LocalError(Exception):
    """Its text is a sentence for the person at the terminal."""


class PortTaken(LocalError):
    """Another program listens where one of ours must."""

    def __init__(self, *, port: int, use: str, command: str) -> None:
        super().__init__(
            f"Port {port} ({use}) is taken by another program. "
            f"Stop that program, or choose another port: {command}={port + 1 if port < 65_535 else port - 1}"
        )
        self.port = port


class AlreadyRunning(LocalError):
    """A second supervisor on the same data would corrupt it."""

    def __init__(self, *, data: Path, pid: str) -> None:
        super().__init__(f"Headrace already runs on {data} (process {pid}). Stop it first, or set DATA_DIR.")


class EngineFailed(LocalError):
    """An engine's process ended or stayed mute; `tail` is the end of what it said."""

    def __init__(self, *, name: str, what: str, tail: str = "") -> None:
        super().__init__(f"{name} {what}." + (f" It said:\n{tail}" if tail else ""))
        self.name = name
        self.tail = tail


class ServiceUserMissing(LocalError):
    """PostgreSQL refuses to run as root, and no account can run it in our place."""
