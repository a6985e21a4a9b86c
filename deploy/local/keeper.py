"""Keeps one program running."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

from deploy.local.backoff import Backoff
from deploy.local.console import Console
from deploy.local.errors import EngineFailed
from deploy.local.program import Program

LINE_LIMIT = 16_384
"""Bytes of a line; a longer one is shown in pieces."""
READY_POLL = 0.05


class Keeper:
    """Starts a program, shows what it says, starts it again when it ends, until `stop`.

    The program leads a session of its own, so Ctrl-C in the terminal reaches only the supervisor, and whatever it
    leaves behind is found by its process group.
    """

    def __init__(self, program: Program, console: Console, *, backoff: Backoff | None = None) -> None:
        self.program = program
        self.console = console
        self.backoff = backoff or Backoff()
        self.process: asyncio.subprocess.Process | None = None
        self.stopping = asyncio.Event()

    async def keep(self) -> None:
        """Runs the program again and again; returns after `stop`."""
        clock = asyncio.get_running_loop().time
        while not self.stopping.is_set():
            began = clock()
            code = await self.run_once()
            if self.stopping.is_set():
                return
            wait = self.backoff.after(clock() - began)
            self.console.warn(self.program.name, f"{ending(code)}; starting it again in {wait:.1f} s")
            try:
                async with asyncio.timeout(wait):
                    await self.stopping.wait()
            except TimeoutError:
                continue

    async def run_once(self) -> int:
        """Runs the program to its end and returns its exit code, a signal's number negated; cancelled, it kills it."""
        # A pipe of our own: waiting for the process must not mean waiting for a grandchild that holds its output.
        reading, writing = os.pipe()
        output = asyncio.create_task(self.show(reading))
        try:
            self.process = process = await asyncio.create_subprocess_exec(
                *self.program.command,
                env={**os.environ, **self.program.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
            )
        finally:
            os.close(writing)
        try:
            if self.stopping.is_set():  # `stop` came while the process was being made and could not see it
                self.signal_group(signal.SIGKILL)
            return await process.wait()
        finally:
            self.signal_group(signal.SIGKILL)  # what it left behind must not meet its successor
            await asyncio.wait({output}, timeout=1.0)
            output.cancel()

    async def show(self, descriptor: int) -> None:
        async for line in lines(descriptor):
            self.console.line(self.program.name, line)

    async def serving(self, *, seconds: float) -> None:
        """Returns when the program is ready; raises EngineFailed after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not await asyncio.to_thread(self.program.ready):  # noqa: ASYNC110 - a process sets no event
                    await asyncio.sleep(READY_POLL)
        except TimeoutError:
            raise EngineFailed(name=self.program.name, what=f"did not serve within {seconds:.0f} s") from None

    async def stop(self) -> None:
        """Asks the program to end, and kills it and its children when its time is up."""
        self.stopping.set()
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.stop_seconds):
                await process.wait()
        except TimeoutError:
            self.console.warn(self.program.name, f"still there after {self.program.stop_seconds:.0f} s: killed")
            self.signal_group(signal.SIGKILL)
            await process.wait()

    def kill(self) -> None:
        """Ends the program at once."""
        self.stopping.set()
        if self.process is not None and self.process.returncode is None:
            self.signal_group(signal.SIGKILL)

    def signal_group(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


async def once(program: Program, console: Console) -> None:
    """Runs a program to its end; raises EngineFailed unless that is a good one."""
    code = await Keeper(program, console).run_once()
    if code:
        raise EngineFailed(name=program.name, what=ending(code))


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


async def lines(descriptor: int) -> AsyncIterator[str]:
    """The lines read from a pipe, which is closed at its end."""
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        while True:
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as overrun:
                line = await reader.read(overrun.consumed)
            except asyncio.IncompleteReadError as end:
                if end.partial:
                    yield end.partial.decode(errors="replace")
                return
            yield line.decode(errors="replace").rstrip("\r\n")
    finally:
        transport.close()
