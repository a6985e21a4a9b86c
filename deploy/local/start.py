"""How `make run` and `make cluster` begin: alone on their data, and what is in the way is a sentence."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from deploy.local.errors import AlreadyRunning, LocalError
from deploy.local.secret import kept_secret
from deploy.local.supervisor import NAME

BASE_DIR = Path(__file__).resolve().parents[2]


def start(run: Callable[[], None], *, folder: str) -> None:
    """Calls `run` with what settings need in the environment; data is kept in `folder` unless DATA_DIR says otherwise.

    The process's exit code is 0 after a stop that was asked for, 1 with a sentence else.
    """
    data = Path(os.environ.get("DATA_DIR") or BASE_DIR / folder).absolute()
    try:
        data.mkdir(parents=True, exist_ok=True)
        if shutil.which("setpriv") is None:
            raise LocalError("setpriv is missing. It is part of util-linux: apt-get install util-linux")
        with alone(data):
            os.environ["DATA_DIR"] = str(data)
            os.environ["SECRET_KEY"] = os.environ.get("SECRET_KEY") or kept_secret(data / "secret_key")
            os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
            os.environ["PYTHONUNBUFFERED"] = "1"
            run()
    except (LocalError, ImproperlyConfigured) as failure:
        sys.exit(f"{NAME}: {failure}")
    except PermissionError as failure:
        sys.exit(f"{NAME}: {failure.filename} belongs to somebody else: run as its owner, or set DATA_DIR.")


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
