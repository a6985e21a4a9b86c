"""Processes of this machine, found by who started them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """All that a process has started, and what those have; a process may end while one looks."""
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def command_of(pid: int) -> str:
    """A process's command line; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def pin(pid: int, cores: Iterable[int]) -> None:
    """Keeps a process, and all its threads, on these cores."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)
