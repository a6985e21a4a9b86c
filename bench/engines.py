"""The two Valkeys of a measurement, in a folder that goes away."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local.valkey import Valkey


@dataclass(frozen=True, slots=True)
class Engines:
    """Where they listen, and a folder for whatever else is needed."""

    folder: Path
    bus_url: str
    state_url: str


@contextlib.contextmanager
def valkeys() -> Iterator[Engines]:
    """Runs a bus and a state Valkey until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    programs = []
    bus, state = (
        Valkey(name=name, home=folder / name, sockets=folder / "run" / name, memory="1gb", durable=False)
        for name in ("bus", "state")
    )
    try:
        for valkey in (bus, state):
            valkey.prepare()
            program = valkey.program()
            programs.append(subprocess.Popen([*program.command, "--logfile", os.devnull]))
            while not program.ready():
                time.sleep(0.02)
        yield Engines(folder, bus.url, state.url)
    finally:
        for process in programs:
            process.terminate()
        for process in programs:
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
