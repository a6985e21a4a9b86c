"""`make cluster`: three hosts with ingest, playback, chat and workers each, one set of engines, the edge in front.

Recordings lie in S3 (SeaweedFS) unless STORAGE says otherwise. EDGE_PORT is where browsers come, 8080 unless said
otherwise. Each host has a network of its own where this machine lets us make networks; such hosts reach this machine
and nothing beyond. Else they share its network. Whoever kills a `host-…` process sees a machine lose its power.
"""

from __future__ import annotations

import asyncio
import os

from deploy.local.console import Console
from deploy.local.keeper import once
from deploy.local.start import start
from deploy.local.supervisor import NAME, Supervisor

READY_SECONDS = 180.0
"""Three hosts that start at once on two cores take a minute."""


def run() -> None:
    os.environ["STORAGE"] = os.environ.get("STORAGE") or "s3"
    # Settings are read at import, so it waits until the environment is complete.
    from config import settings
    from deploy.cluster.hosts import HOSTS
    from deploy.cluster.network import Shared, network
    from deploy.cluster.programs import MIGRATE, Cluster

    with network(HOSTS, settings.DATA_DIR) as hosts_network:
        cluster = Cluster(hosts_network)
        cluster.check_ports()
        cluster.prepare()
        stages = cluster.stages()
        console = Console([NAME, MIGRATE.name, *(program.name for stage in stages for program in stage)])
        console.line(NAME, f"starting; data is kept in {settings.DATA_DIR}")
        if isinstance(hosts_network, Shared):
            console.line(NAME, f"hosts share this machine's network: {hosts_network.why}")

        async def between() -> None:
            await asyncio.to_thread(cluster.engines.create_database)
            await once(MIGRATE, console)

        def serving() -> None:
            for line in cluster.addresses():
                console.line(NAME, line)

        asyncio.run(Supervisor(stages, console, ready_seconds=READY_SECONDS).run(between=between, serving=serving))


if __name__ == "__main__":
    start(run, folder="var/cluster")
