"""What a cluster is made of: one set of engines, the hosts, the edge in front of them, and Flower for operators."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence

from config import settings
from config.environment import number
from deploy.cluster.hosts import HOSTS, PORTS_EACH, Host
from deploy.cluster.network import Network, Shared
from deploy.edge.programs import Edge, Ports
from deploy.local import installation
from deploy.local.network import Port
from deploy.local.program import Program

MOST_PORTS = PORTS_EACH * (1 + len(HOSTS))
"""The edge takes five from EDGE_PORT on; above them are those of hosts that share its network."""
MIGRATE = installation.STEPS[0]


class Cluster:
    """Its data is in DATA_DIR; raises ImproperlyConfigured."""

    def __init__(self, network: Network) -> None:
        port = number("EDGE_PORT", 8080, least=1, most=65_536 - MOST_PORTS)
        data = settings.DATA_DIR
        self.network = network
        self.engines = installation.Engines(broker=True)
        if self.engines.s3:
            self.engines.s3.host = network.gateway
        queue, s3 = self.engines.queue_url, self.engines.s3_url
        self.hosts = [Host(name, data, network, port, queue, s3) for name in HOSTS]
        webs = [host.web for host in self.hosts]
        whips = [host.whip for host in self.hosts]
        self.edge = Edge(data / "edge", Ports.row(port), live=webs, pages=webs, whip=whips, plain=True)

    def check_ports(self) -> None:
        """Raises PortTaken."""
        wanted = [Port(self.edge.host, port, "the edge", "EDGE_PORT") for port in dataclasses.astuple(self.edge.ports)]
        if isinstance(self.network, Shared):
            wanted += [door for host in self.hosts for door in host.doors()]
        if self.engines.s3:
            wanted.append(dataclasses.replace(installation.S3, host=self.engines.s3.host))
        if installation.FLOWER.number:
            wanted.append(installation.FLOWER)
        for port in wanted:
            port.check_free("make cluster")

    def prepare(self) -> None:
        """Makes folders and files; raises LocalError."""
        self.edge.prepare()
        settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
        self.engines.prepare()
        for host in self.hosts:
            host.prepare()

    def stages(self) -> list[list[Program]]:
        """Engines, hosts, and what stands in front of these."""
        front = self.edge.programs()
        if installation.FLOWER.number:
            flower = installation.flower()
            front.append(dataclasses.replace(flower, env={**flower.env, "QUEUE_URL": self.engines.queue_url}))
        return [self.engines.programs(), [host.program() for host in self.hosts], front]

    def addresses(self) -> Sequence[str]:
        """Where everything is, a line each, for the person who started it."""
        shell = shlex.quote(str(self.hosts[0].environment_file))
        return (
            f"watch     http://localhost:{self.edge.ports.http}",
            *(f"stream    {host.rtmp_url}" for host in self.hosts),
            f"          with a stream key of /dashboard; or, in another terminal: set -a; . {shell}; make demo",
            *installation.operators(),
            "stop      Ctrl-C",
        )
