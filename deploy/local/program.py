"""A program to run: what starts it, what stops it, and when it is ready."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def always_ready() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process of the installation.

    `ready` may block for some milliseconds and says whether the program serves. `stop_seconds` is what it gets between
    `stop_signal` and SIGKILL. `death_signal` reaches it when the process that started it dies without a word.
    `credentials` are options of setpriv(1): who the program runs as.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    credentials: tuple[str, ...] = ()
    ready: Callable[[], bool] = always_ready
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 5.0
    death_signal: signal.Signals = signal.SIGKILL

    @property
    def command(self) -> tuple[str, ...]:
        """The argument list to execute.

        PDEATHSIG is lost when credentials change, so the same setpriv sets both; it follows the *thread* that forks,
        which must live as long as the program should.
        """
        return ("setpriv", *self.credentials, "--pdeathsig", self.death_signal.name.removeprefix("SIG"), *self.argv)
