"""Workers that die by kill -9 in the middle of a step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from workers.models import Step

Killer = Callable[[Step, str], None]
"""Has a step attempted and killed: `claimed`, `put` (something was), `moved2` (two objects were), `worked`, `done`."""

KILLED = """
import os, signal, sys
import django
django.setup()
from uuid import UUID
from vods import storage
from vods.steps import Work
from vods.workflows import WORKS
from workers.fill import WORK
from workers.ledger import claims
from workers.ledger.attempt import run_step

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def attempt(step, at):
    works = {**WORKS, **WORK}
    if at == "claimed":
        works = {name: Work(die) for name in works}
    elif at == "put":
        for name in ("put", "put_file"):
            def put_and_die(*given, put=getattr(storage.FileMedia, name)):
                put(*given)
                die()
            setattr(storage.FileMedia, name, put_and_die)
    elif at.startswith("moved"):
        left = int(at.removeprefix("moved"))
        def move_and_die(*given, move=storage.FileMedia.move):
            nonlocal left
            move(*given)
            left -= 1
            left or die()
        storage.FileMedia.move = move_and_die
    elif at == "worked":
        claims.complete = die
    run_step(UUID(step), works=works, send=die)
    die()

for line in sys.stdin:
    child = os.fork()
    if not child:
        attempt(*line.split())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@contextmanager
def killer_of(storage: Path) -> Iterator[Killer]:
    """Attempts steps in processes of their own, which are killed at a point of each."""
    environment = {**os.environ, "MEDIA_ROOT": str(storage)}
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(
        command, env=environment, cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def kill(step: Step, at: str) -> None:
            print(step.pk, at, file=process.stdin, flush=True)
            assert int(process.stdout.readline()) == -signal.SIGKILL  # type: ignore[union-attr]

        yield kill
        process.stdin.close()
