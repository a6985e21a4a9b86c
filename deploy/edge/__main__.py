"""`make edge`: TLS and the cache in front of `make run`, until Ctrl-C.

Origins are processes of this machine, host:port. Without a certificate one for localhost is made, which no browser
knows. Give `make run` the same address: `make run PUBLIC_URL=https://localhost:8443`.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from pathlib import Path

from deploy.edge.programs import Edge, Ports
from deploy.local.console import Console
from deploy.local.errors import LocalError
from deploy.local.supervisor import NAME, Supervisor

BASE_DIR = Path(__file__).resolve().parents[2]


def main() -> None:
    """Runs the edge; the process's exit code is 0 after a stop that was asked for, 1 with a sentence else."""
    parser = argparse.ArgumentParser(prog="python -m deploy.edge", description="TLS and a cache in front of Headrace.")
    parser.add_argument("--live", action="append", help="serves playback and chat; 127.0.0.1:8000 unless given")
    parser.add_argument("--pages", action="append", help="serves pages; 127.0.0.1:8000 unless given")
    parser.add_argument("--whip", action="append", help="what WebRTC encoders talk to; 127.0.0.1:8889 unless given")
    parser.add_argument("--http", type=int, default=8080)
    parser.add_argument("--https", type=int, default=8443)
    parser.add_argument("--certificate", type=Path, help="a PEM file of certificate chain and key")
    parser.add_argument("--folder", type=Path, default=BASE_DIR / "var" / "edge")
    given = parser.parse_args()
    origins = ["127.0.0.1:8000"]
    edge = Edge(
        given.folder.absolute(),
        Ports(http=given.http, https=given.https, cache=6081, origins=6082, metrics=9399),
        live=given.live or origins,
        pages=given.pages or origins,
        whip=given.whip or ["127.0.0.1:8889"],
        host="0.0.0.0",  # noqa: S104 - it is what the public reaches
    )
    try:
        if given.certificate:
            edge.folder.mkdir(parents=True, exist_ok=True)
            edge.certificate.touch(mode=0o600)
            shutil.copyfile(given.certificate, edge.certificate)
        edge.prepare()
        asyncio.run(run(edge))
    except LocalError as failure:
        sys.exit(f"{NAME}: {failure}")


async def run(edge: Edge) -> None:
    """Keeps both programs running; raises EngineFailed when the cache never serves."""
    cache, proxy = edge.programs()
    console = Console([NAME, cache.name, proxy.name])

    async def between() -> None:
        """Nothing has to be done between the two."""

    await Supervisor([[cache], [proxy]], console).run(
        between=between, serving=lambda: console.line(NAME, f"watch     {edge.url}")
    )


if __name__ == "__main__":
    main()
