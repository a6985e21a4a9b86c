"""`make run`: the whole of Headrace on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from deploy.local.console import Console
from deploy.local.errors import AlreadyRunning, EngineFailed, LocalError
from deploy.local.keeper import Keeper, ending
from deploy.local.program import Program
from deploy.local.secret import kept_secret
from deploy.local.supervisor import NAME, Supervisor

BASE_DIR = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def alone(data: Path) -> Iterator[None]:
    """Holds the lock on a data folder; raises AlreadyRunning."""
    with (data / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(data=data, pid=lock.read().strip()) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def main() -> None:
    """Runs the installation; the process's exit code is 0 after a stop that was asked for, 1 with a sentence else."""
    data = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").absolute()
    try:
        data.mkdir(parents=True, exist_ok=True)
        if shutil.which("setpriv") is None:
            raise LocalError("setpriv is missing. It is part of util-linux: apt-get install util-linux")
        with alone(data):
            os.environ["DATA_DIR"] = str(data)
            os.environ["SECRET_KEY"] = os.environ.get("SECRET_KEY") or kept_secret(data / "secret_key")
            os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
            run()
    except (LocalError, ImproperlyConfigured) as failure:
        sys.exit(f"{NAME}: {failure}")
    except PermissionError as failure:
        sys.exit(f"{NAME}: {failure.filename} belongs to somebody else: run as its owner, or set DATA_DIR.")


def run() -> None:
    # Settings are read at import, so it waits until the environment above is complete.
    from config import settings
    from deploy.local import installation

    for port in installation.ports():
        port.check_free()
    engines = installation.Engines()
    engines.prepare()
    stages = installation.stages(engines)
    programs = [*installation.STEPS, *(program for stage in stages for program in stage)]
    console = Console([NAME, *(program.name for program in programs)])
    console.line(NAME, f"starting; data is kept in {settings.DATA_DIR}")
    if console.colour:
        os.environ["FORCE_COLOR"] = "1"
    os.environ["PYTHONUNBUFFERED"] = "1"

    async def between() -> None:
        await asyncio.to_thread(engines.create_database)
        await asyncio.gather(*(once(program, console) for program in installation.STEPS))

    def serving() -> None:
        for line in installation.addresses():
            console.line(NAME, line)

    asyncio.run(Supervisor(stages, console).run(between=between, serving=serving))


async def once(program: Program, console: Console) -> None:
    """Runs a program to its end; raises EngineFailed unless that is a good one."""
    code = await Keeper(program, console).run_once()
    if code:
        raise EngineFailed(name=program.name, what=ending(code))


if __name__ == "__main__":
    main()
