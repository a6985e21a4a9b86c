"""A host of the cluster: what `make run` starts on it, with the engines of all."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from config import settings
from deploy.cluster.network import Network, Shared
from deploy.local.network import Port
from deploy.local.program import Program

HOSTS = ("a", "b", "c")
STOP_SECONDS = 40.0
"""`make run` stops within 35."""
PORTS_EACH = 30
"""As many a host has, with one for the metrics of each of its processes and devices."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a host's doors are. Within a network of its own a host has the usual ones."""

    http: int = 8000
    rtmp: int = 1935
    whip: int = 8889
    irc: int = 6680
    metrics: int = 9400

    @classmethod
    def row(cls, first: int) -> Ports:
        """One after the other, metrics last."""
        return cls(*range(first, first + 5))


@dataclass(frozen=True, slots=True)
class Host:
    """`data` is the cluster's folder; `edge_port` is where browsers come, and below the ports of hosts that share."""

    name: str
    data: Path
    network: Network
    edge_port: int
    queue_url: str
    s3_url: str

    @property
    def address(self) -> str:
        return self.network.address(self.name)

    @property
    def folder(self) -> Path:
        return self.data / f"host-{self.name}"

    @property
    def ports(self) -> Ports:
        if not isinstance(self.network, Shared):
            return Ports()
        return Ports.row(self.edge_port + PORTS_EACH * (1 + HOSTS.index(self.name)))

    @property
    def web(self) -> str:
        return f"{self.address}:{self.ports.http}"

    @property
    def whip(self) -> str:
        return f"{self.address}:{self.ports.whip}"

    @property
    def rtmp_url(self) -> str:
        return f"rtmp://{self.address}:{self.ports.rtmp}/live"

    @property
    def environment_file(self) -> Path:
        """What a shell reads to be about this host, as `manage.py` needs it."""
        return self.folder / "environment"

    def environment(self) -> dict[str, str]:
        """What makes `make run` a host of many: a name, the engines and media of all, and the edge in front."""
        ports, public_url = self.ports, f"http://localhost:{self.edge_port}"
        return {
            "HOST_NAME": f"host-{self.name}",
            "DATA_DIR": str(self.folder),
            "MEDIA_ROOT": str(settings.MEDIA_ROOT),
            "SECRET_KEY": settings.SECRET_KEY,
            "DATABASE_URL": settings.DATABASE_URL,
            "BUS_URL": settings.BUS_URL,
            "STATE_URL": settings.STATE_URL,
            "QUEUE_URL": self.queue_url,
            "STORAGE": settings.STORAGE,
            "S3_ENDPOINT": self.s3_url,
            "PUBLIC_URL": public_url,
            "ALLOWED_HOSTS": f"localhost,127.0.0.1,{self.address}",
            "TRUSTED_PROXIES": f"127.0.0.1,{self.network.gateway}",
            "HTTP_HOST": self.address,
            "HTTP_PORT": str(ports.http),
            "RTMP_HOST": self.address,
            "RTMP_PORT": str(ports.rtmp),
            "RTMP_URL": self.rtmp_url,
            "WHIP_HOST": self.address,
            "WHIP_PORT": str(ports.whip),
            "WHIP_URL": f"{public_url}/whip",
            "IRC_HOST": self.address,
            "IRC_PORT": str(ports.irc),
            # The cluster has one for all.
            "FLOWER_PORT": "0",
            "METRICS_HOST": self.address,
            "METRICS_PORT": str(ports.metrics),
        }

    def prepare(self) -> None:
        """Writes what a shell reads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment_file.touch(mode=0o600)
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in self.environment().items())
        self.environment_file.write_text("".join(lines))

    def program(self) -> Program:
        return Program(
            name=f"host-{self.name}",
            argv=(*self.network.within(self.name), sys.executable, "-m", "deploy.local"),
            env=self.environment(),
            ready=lambda: all(door.serves() for door in self.doors()),
            stop_seconds=STOP_SECONDS,
        )

    def doors(self) -> list[Port]:
        """What stands open to the edge and to encoders."""
        ports = self.ports
        found = ((ports.http, "web pages"), (ports.rtmp, "RTMP"), (ports.whip, "WHIP"), (ports.irc, "IRC"))
        return [Port(self.address, number, f"{use} of host {self.name}", "EDGE_PORT") for number, use in found]
