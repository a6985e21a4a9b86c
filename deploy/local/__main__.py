"""`make run`: the whole of Headrace on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os

from deploy.local.console import Console
from deploy.local.keeper import once
from deploy.local.start import start
from deploy.local.supervisor import NAME, Supervisor


def run() -> None:
    # Settings are read at import, so it waits until the environment is complete.
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

    async def between() -> None:
        await asyncio.to_thread(engines.create_database)
        await asyncio.gather(*(once(program, console) for program in installation.STEPS))

    def serving() -> None:
        for line in installation.addresses():
            console.line(NAME, line)

    asyncio.run(Supervisor(stages, console).run(between=between, serving=serving))


if __name__ == "__main__":
    start(run, folder="var")
