"""Runs the programs of one machine: starts them in order, keeps them running, stops them in the opposite order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence

from deploy.local.console import Console
from deploy.local.errors import EngineFailed, LocalError
from deploy.local.keeper import Keeper
from deploy.local.program import Program

NAME = "headrace"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Keeps `stages` of programs running.

    The first stage serves before anything else starts. Stages stop last to first, so a stop takes at most the sum over
    the stages of the longest `stop_seconds` in each. `ready_seconds` is what programs get to serve.
    """

    def __init__(self, stages: Sequence[Sequence[Program]], console: Console, *, ready_seconds: float = 60.0) -> None:
        self.console = console
        self.ready_seconds = ready_seconds
        self.stages = [[Keeper(program, console) for program in stage] for stage in stages]
        self.stopped = asyncio.Event()
        self.failure: LocalError | None = None
        console.on_closed = self.stopped.set

    async def run(self, *, between: Callable[[], Awaitable[None]], serving: Callable[[], None]) -> None:
        """Runs until one of SIGNALS comes or the console closes; a second signal kills.

        `between` runs when the first stage serves, `serving` when all do. Raises the LocalError of `between`, or
        EngineFailed when the first stage never serves; by then all has stopped.
        """
        loop = asyncio.get_running_loop()
        # nohup(1) asks to outlive the terminal by ignoring SIGHUP.
        heard = [number for number in SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
        for number in heard:
            loop.add_signal_handler(number, self.on_signal)
        try:
            async with asyncio.TaskGroup() as keepers:
                start = keepers.create_task(self.start(keepers, between, serving))
                await self.stopped.wait()
                start.cancel()
                await self.stop()
        finally:
            for number in heard:
                loop.remove_signal_handler(number)
        if self.failure:
            raise self.failure

    async def start(
        self, keepers: asyncio.TaskGroup, between: Callable[[], Awaitable[None]], serving: Callable[[], None]
    ) -> None:
        first, *others = self.stages
        try:
            for keeper in first:
                keepers.create_task(keeper.keep())
            await asyncio.gather(*(keeper.serving(seconds=self.ready_seconds) for keeper in first))
            await between()
        except LocalError as failure:
            self.failure = failure
            self.stopped.set()
            return
        for keeper in (keeper for stage in others for keeper in stage):
            keepers.create_task(keeper.keep())
        late = await asyncio.gather(
            *(keeper.serving(seconds=self.ready_seconds) for stage in others for keeper in stage),
            return_exceptions=True,
        )
        for outcome in late:
            if isinstance(outcome, EngineFailed):
                self.console.warn(outcome.name, str(outcome))
        serving()

    def on_signal(self) -> None:
        if not self.stopped.is_set():
            self.console.line(NAME, "stopping; once more to kill")
            self.stopped.set()
            return
        self.console.warn(NAME, "killing")
        for stage in self.stages:
            for keeper in stage:
                keeper.kill()

    async def stop(self) -> None:
        for stage in reversed(self.stages):
            await asyncio.gather(*(keeper.stop() for keeper in stage))
