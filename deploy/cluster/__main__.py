"""`make cluster`: three hosts with ingest, playback, chat and workers each, one set of databases, the edge in front.

Recordings lie in S3 (SeaweedFS) unless STORAGE says otherwise.

As root each host has a network of its own, and whoever kills a `host-…` process sees a machine lose its power. Else
they share this machine's network, on other ports. EDGE_PORT is where browsers come, 8080 unless said otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from deploy.edge.programs import Edge, Ports
from deploy.local.__main__ import BASE_DIR, alone, once
from deploy.local.console import Console
from deploy.local.errors import LocalError
from deploy.local.secret import kept_secret
from deploy.local.supervisor import NAME, Supervisor

READY_SECONDS = 180.0
"""Three hosts that start at once on two cores take a minute."""


def main() -> None:
    """Runs the cluster; the process's exit code is 0 after a stop that was asked for, 1 with a sentence else."""
    data = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var" / "cluster").absolute()
    try:
        data.mkdir(parents=True, exist_ok=True)
        with alone(data):
            os.environ["DATA_DIR"] = str(data)
            os.environ["SECRET_KEY"] = os.environ.get("SECRET_KEY") or kept_secret(data / "secret_key")
            os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
            os.environ["STORAGE"] = os.environ.get("STORAGE") or "s3"
            run(data, port=int(os.environ.get("EDGE_PORT") or 8080))
    except (LocalError, ImproperlyConfigured) as failure:
        sys.exit(f"{NAME}: {failure}")


def run(data: Path, *, port: int) -> None:
    # Settings are read at import, so it waits until the environment above is complete.
    from config import settings
    from deploy.cluster.hosts import HOSTS, Host
    from deploy.cluster.network import Network
    from deploy.local import installation

    network = Network.of(HOSTS, data) if os.geteuid() == 0 else None
    url = f"http://localhost:{port}"
    engines = installation.Engines(broker=True)
    broker = engines.broker.url if engines.broker else settings.QUEUE_URL
    if engines.s3 and network:
        engines.s3.host = network.gateway
    s3 = engines.s3.url if engines.s3 else settings.S3_ENDPOINT
    hosts = [Host(name, data, network, url, broker, s3) for name in HOSTS]
    webs = [host.web for host in hosts]
    ports = Ports(http=port, https=port + 1, cache=port + 2, origins=port + 3, metrics=port + 4)
    edge = Edge(data / "edge", ports, live=webs, pages=webs, whip=[host.whip for host in hosts], plain=True)
    edge.prepare()
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    engines.prepare()
    stages = [engines.programs(), [host.program() for host in hosts], edge.programs()]
    migrate = installation.STEPS[0]
    console = Console([NAME, migrate.name, *(program.name for stage in stages for program in stage)])
    os.environ["PYTHONUNBUFFERED"] = "1"

    async def between() -> None:
        await asyncio.to_thread(engines.create_database)
        await once(migrate, console)

    def serving() -> None:
        console.line(NAME, f"watch     {url}")
        for host in hosts:
            console.line(NAME, f"stream    {host.environment()['RTMP_URL']}")
        console.line(NAME, "stop      Ctrl-C")

    with network.up() if network else contextlib.nullcontext():
        asyncio.run(Supervisor(stages, console, ready_seconds=READY_SECONDS).run(between=between, serving=serving))


if __name__ == "__main__":
    main()
