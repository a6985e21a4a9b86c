"""A Celery worker process that is started again when it dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

log = structlog.get_logger(__name__)

FIRST_WAIT = 0.5
LONGEST_WAIT = 10.0
HEALTHY_SECONDS = 20.0
"""The wait before a restart, in seconds, doubles from first to longest; a run so long begins anew at the first."""


class WorkerProcess(threading.Thread):
    """Keeps `celery -A config <arguments>` running until `stop` is set and `terminate` was called.

    `ended` is called each time it has died, before it is started again; `environment` is added to ours.
    `niceness` is nice(1)'s: what is more urgent on the machine comes before it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        stop: threading.Event,
        *,
        ended: Callable[[], None] = lambda: None,
        environment: Mapping[str, str] | None = None,
        niceness: int = 0,
    ) -> None:
        super().__init__(name="keeper")
        self._environment = {**os.environ, **(environment or {})}
        self._ended = ended
        self._arguments = list(arguments)
        # This thread forks and lives as long as the process may: PR_SET_PDEATHSIG fires at the end of the forking
        # thread. If we die without a word, the worker drains as if it had been told.
        self._argv = [
            *("setpriv", "--pdeathsig", "TERM", "--"),
            *(("nice", "-n", str(niceness)) if niceness else ()),
            *(sys.executable, "-m", "celery", "--app", "config", "--quiet", *arguments),
        ]
        self._stop_event = stop
        self._process: subprocess.Popen[bytes] | None = None
        self._restarting = False

    def run(self) -> None:
        wait = FIRST_WAIT
        while not self._stop_event.is_set():
            began = time.monotonic()
            self._process = subprocess.Popen(self._argv, env=self._environment)
            if self._stop_event.is_set():
                self._process.terminate()
            code = self._process.wait()
            if self._stop_event.is_set():
                return
            if self._restarting:
                self._restarting = False
                wait = FIRST_WAIT
                continue
            self._ended()
            if time.monotonic() - began >= HEALTHY_SECONDS:
                wait = FIRST_WAIT
            log.warning("worker.ended", code=code, again_in=wait, arguments=self._arguments)
            self._stop_event.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def restart(self) -> None:
        """Asks the process to drain and end, and starts it again at once."""
        self._restarting = True
        self.terminate()

    def terminate(self) -> None:
        """Asks the process to drain and end."""
        if self._process is not None:
            self._process.terminate()
