"""The two Valkeys of a measurement, in a folder that goes away."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.valkey import Valkey


@dataclass(frozen=True, slots=True)
class Engines:
    """Where they listen, their processes' ids, and a folder for whatever else is needed."""

    folder: Path
    bus_url: str
    state_url: str
    pids: Mapping[str, int]


@contextlib.contextmanager
def valkeys() -> Iterator[Engines]:
    """Runs a bus and a state Valkey until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    processes: dict[str, subprocess.Popen[bytes]] = {}
    bus, state = (
        Valkey(name=name, home=folder / name, sockets=folder / "run" / name, memory="1gb", durable=False)
        for name in ("bus", "state")
    )
    try:
        for valkey in (bus, state):
            valkey.prepare()
            program = valkey.program()
            processes[valkey.name] = subprocess.Popen([*program.command, "--logfile", os.devnull])
            while not program.ready():
                time.sleep(0.02)
        yield Engines(folder, bus.url, state.url, {name: process.pid for name, process in processes.items()})
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
