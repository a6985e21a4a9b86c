"""The engines of a test session: those of `make run`, disposable and started on demand."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.local.errors import EngineFailed
from deploy.local.postgres import Postgres
from deploy.local.program import Program
from deploy.local.seaweed import Seaweed
from deploy.local.valkey import Valkey


def postgres(folder: Path) -> Postgres:
    return Postgres(home=folder / "postgres", sockets=folder / "run" / "postgres", disposable=True)


def valkey(folder: Path, name: str) -> Valkey:
    return Valkey(name=name, home=folder / name, sockets=folder / "run" / name, memory="512mb", durable=False)


def seaweed(folder: Path, *, port: int) -> Seaweed:
    return Seaweed(home=folder / "s3", port=port, bucket="headrace", access_key="tests", secret_key="of the tests")


@contextlib.contextmanager
def running(program: Program, *, seconds: float = 30.0) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a program until the block ends; entered when it is ready, else raises EngineFailed with what it said."""
    # A file, not a pipe: nobody reads while the tests run, and a full pipe would stop the engine.
    environment = {**os.environ, **program.env}
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(program.command, env=environment, stdout=said, stderr=said) as process,
    ):
        try:
            deadline = time.monotonic() + seconds
            while not program.ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    tail = said.read().decode(errors="replace")[-2_000:]
                    raise EngineFailed(name=program.name, what="did not start", tail=tail)
                time.sleep(0.01)
            yield process
        finally:
            process.send_signal(program.stop_signal)
            try:
                process.wait(program.stop_seconds)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def session_folder(folder: Path) -> Iterator[Path]:
    folder.mkdir(mode=0o711)  # PostgreSQL's service user passes through
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class FragileBus:
    """A Valkey of its own, to be killed: it forgets everything."""

    def __init__(self, folder: Path) -> None:
        self._engine = valkey(folder, "fragile")
        self._engine.prepare()
        self._running = contextlib.ExitStack()
        self.url = self._engine.url

    def start(self) -> None:
        self._running.enter_context(running(self._engine.program()))

    def stop(self) -> None:
        self._running.close()
