"""The supervisor, on real processes: each is a line of shell."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.local.console import Console
from deploy.local.errors import EngineFailed
from deploy.local.keeper import LINE_LIMIT
from deploy.local.program import Program
from deploy.local.supervisor import Supervisor


def sleeps(says: str = "up") -> str:
    """A shell that ends when asked to; it traps before it speaks, so a test that heard it may ask."""
    return f"trap 'echo bye; exit 0' TERM; echo {says}; sleep 60 & wait"


def stubborn(says: str = "up") -> str:
    return f"trap '' TERM; echo {says}; while :; do sleep 60; done"


def shell(name: str, script: str, *, stop_seconds: float = 5.0, ready: Callable[[], bool] = lambda: True) -> Program:
    return Program(name=name, argv=("sh", "-c", script), stop_seconds=stop_seconds, ready=ready)


class Terminal(io.StringIO):
    """Collects what is printed, and lets a test await it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)

    async def shows(self, pattern: str) -> re.Match[str]:
        async with asyncio.timeout(20):
            while not (found := re.search(pattern, self.getvalue(), re.MULTILINE)):
                self.written.clear()
                await self.written.wait()
        return found


@pytest.fixture
async def terminal() -> Terminal:
    return Terminal()


async def nothing() -> None:
    """No work between the stages."""


@contextlib.asynccontextmanager
async def supervised(terminal: Terminal, *stages: list[Program]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(stages, Console([], stream=terminal), ready_seconds=5.0)
    run = asyncio.create_task(supervisor.run(between=nothing, serving=lambda: print("all serve", file=terminal)))
    try:
        yield supervisor
    finally:
        supervisor.stopped.set()
        await run


async def ended(pid: int) -> None:
    """Returns when the process has ended, whoever's child it is: a pidfd is readable then (pidfd_open(2))."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, over.set)
    try:
        async with asyncio.timeout(10):
            await over.wait()
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)


async def test_restarts_a_program_that_was_killed_and_no_other(terminal: Terminal) -> None:
    programs = [shell("one", sleeps("pid $$")), shell("two", sleeps("pid $$"))]
    async with supervised(terminal, [], programs):
        first = await terminal.shows(r"one \| pid (\d+)")
        await terminal.shows(r"two \| pid (\d+)")
        os.kill(int(first[1]), signal.SIGKILL)
        await terminal.shows(r"one \| was killed by SIGKILL; starting it again in 0.5 s")
        again = await terminal.shows(rf"one \| pid (?!{first[1]}\n)(\d+)")
        assert again[1] != first[1]
    assert terminal.getvalue().count("two | pid") == 1


async def test_children_of_a_program_that_ended_are_killed(terminal: Terminal) -> None:
    async with supervised(terminal, [], [shell("one", "sleep 60 & echo child $!; exit 3")]):
        child = await terminal.shows(r"child (\d+)")
        await terminal.shows(r"ended with exit code 3")
        await ended(int(child[1]))


async def test_stages_start_in_order_and_stop_in_the_opposite_order(terminal: Terminal) -> None:
    stages = [[shell("base", sleeps())], [shell("middle", sleeps())], [shell("door", sleeps())]]
    async with supervised(terminal, *stages):
        await terminal.shows("all serve")
        for name in ("base", "middle", "door"):
            await terminal.shows(rf"{name} +\| up")
    said = terminal.getvalue()
    assert said.index("base | up") < said.index("middle | up")
    assert said.index("door | bye") < said.index("middle | bye") < said.index("base | bye")


async def test_second_stage_waits_until_the_first_serves(terminal: Terminal, tmp_path: Path) -> None:
    flag = tmp_path / "serves"
    base = shell("base", f"sleep 0.3; touch {flag}; {sleeps('serves')}", ready=flag.exists)
    async with supervised(terminal, [base], [shell("door", sleeps())]):
        await terminal.shows(r"door \| up")
    said = terminal.getvalue()
    assert said.index("base | serves") < said.index("door | up")


async def test_first_stage_that_never_serves_is_an_error_and_all_is_stopped(terminal: Terminal) -> None:
    base = shell("base", sleeps("pid $$"), ready=lambda: False)
    supervisor = Supervisor([[base], []], Console([], stream=terminal), ready_seconds=0.2)
    with pytest.raises(EngineFailed, match="base did not serve"):
        await supervisor.run(between=nothing, serving=lambda: None)
    pid = await terminal.shows(r"pid (\d+)")
    await ended(int(pid[1]))


async def test_stubborn_program_is_killed_when_its_time_is_up(terminal: Terminal) -> None:
    async with supervised(terminal, [], [shell("one", stubborn("pid $$"), stop_seconds=0.2)]):
        pid = await terminal.shows(r"pid (\d+)")
    assert "one | still there after 0 s: killed" in terminal.getvalue()
    await ended(int(pid[1]))


async def test_second_signal_kills_at_once(terminal: Terminal) -> None:
    began = time.monotonic()
    async with supervised(terminal, [], [shell("one", stubborn(), stop_seconds=30)]) as supervisor:
        await terminal.shows("up")
        supervisor.on_signal()
        await terminal.shows("once more to kill")
        supervisor.on_signal()
    assert time.monotonic() - began < 10


async def test_outlives_the_terminal_under_nohup(terminal: Terminal) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with supervised(terminal, [], [shell("one", sleeps())]) as supervisor:
            await terminal.shows(r"one \| up")
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
            assert not supervisor.stopped.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_stop_during_a_wait_for_a_restart_does_not_wait(terminal: Terminal) -> None:
    async with supervised(terminal, [], [shell("one", "exit 1")]):
        await terminal.shows(r"starting it again in 2.0 s")
    assert "starting it again in 4.0 s" not in terminal.getvalue()


async def test_stops_when_the_terminal_has_gone(terminal: Terminal) -> None:
    console = Console([], stream=terminal)
    supervisor = Supervisor([[], [shell("one", sleeps())]], console)

    def hang_up() -> None:
        terminal.write = closed  # type: ignore[method-assign]
        console.line("one", "nobody reads this")

    def closed(text: str) -> int:
        raise BrokenPipeError

    async with asyncio.timeout(20):
        await supervisor.run(between=nothing, serving=hang_up)


async def test_overlong_line_comes_in_pieces(terminal: Terminal) -> None:
    script = f"head -c {LINE_LIMIT * 3} /dev/zero | tr '\\0' x; echo; {sleeps('end')}"
    async with supervised(terminal, [], [shell("one", script)]):
        await terminal.shows(r"one \| end")
    assert terminal.getvalue().count("x") >= LINE_LIMIT * 3


async def test_programs_die_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, io\n"
        "from deploy.local.console import Console\n"
        "from deploy.local.program import Program\n"
        "from deploy.local.supervisor import Supervisor\n"
        "async def nothing(): pass\n"
        "program = Program(name='one', argv=('sh', '-c', 'echo $$; exec sleep 60'))\n"
        "asyncio.run(Supervisor([[], [program]], Console([])).run(between=nothing, serving=lambda: None))\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=subprocess.PIPE)
    assert process.stdout
    async with asyncio.timeout(20):
        line = await process.stdout.readline()
        pid = int(line.split(b"|")[1])
        process.kill()
        await process.stdout.read()  # ends when the program, too, has let go of the pipe
        await process.wait()
    await ended(pid)
