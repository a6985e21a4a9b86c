"""A host of the cluster: what `make run` starts on it, with the databases of all."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from config import settings
from deploy.cluster.network import Network
from deploy.local.network import Port
from deploy.local.program import Program

HOSTS = ("a", "b", "c")
STOP_SECONDS = 40.0
"""`make run` stops within 35."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a host's doors are. Within a network of its own a host has the usual ones."""

    http: int = 8000
    rtmp: int = 1935
    whip: int = 8889
    irc: int = 6680
    flower: int = 5555
    metrics: int = 9400

    def moved(self, by: int) -> Ports:
        return Ports(*(port + by for port in (self.http, self.rtmp, self.whip, self.irc, self.flower, self.metrics)))


@dataclass(frozen=True, slots=True)
class Host:
    """`network` is None where hosts share this machine's, and have other ports instead."""

    name: str
    data: Path
    network: Network | None
    public_url: str
    broker: str
    s3: str
    """Where the broker and the S3 server of all are."""

    @property
    def address(self) -> str:
        return self.network.address(self.name) if self.network else "127.0.0.1"

    @property
    def ports(self) -> Ports:
        return Ports() if self.network else Ports().moved(20 * (1 + HOSTS.index(self.name)))

    @property
    def web(self) -> str:
        return f"{self.address}:{self.ports.http}"

    @property
    def whip(self) -> str:
        return f"{self.address}:{self.ports.whip}"

    def environment(self) -> dict[str, str]:
        """What makes `make run` a host of many: a name, the databases and media of all, and the edge in front."""
        ports = self.ports
        return {
            "HOST_NAME": f"host-{self.name}",
            "DATA_DIR": str(self.data / f"host-{self.name}"),
            "MEDIA_ROOT": str(settings.MEDIA_ROOT),
            "SECRET_KEY": settings.SECRET_KEY,
            "DATABASE_URL": settings.DATABASE_URL,
            "BUS_URL": settings.BUS_URL,
            "STATE_URL": settings.STATE_URL,
            "QUEUE_URL": self.broker,
            "STORAGE": settings.STORAGE,
            "S3_ENDPOINT": self.s3,
            "PUBLIC_URL": self.public_url,
            "ALLOWED_HOSTS": f"localhost,127.0.0.1,{self.address}",
            "TRUSTED_PROXIES": f"127.0.0.1,{self.network.gateway}" if self.network else "127.0.0.1",
            "HTTP_PORT": str(ports.http),
            "RTMP_PORT": str(ports.rtmp),
            "RTMP_URL": f"rtmp://{self.address}:{ports.rtmp}/live",
            "WHIP_PORT": str(ports.whip),
            "WHIP_URL": f"{self.public_url}/whip",
            "IRC_PORT": str(ports.irc),
            "FLOWER_PORT": str(ports.flower),
            "METRICS_HOST": self.address,
            "METRICS_PORT": str(ports.metrics),
        }

    def program(self) -> Program:
        within = self.network.within(self.name) if self.network else ()
        return Program(
            name=f"host-{self.name}",
            argv=(*within, sys.executable, "-m", "deploy.local"),
            env=self.environment(),
            ready=self.serves,
            stop_seconds=STOP_SECONDS,
        )

    def serves(self) -> bool:
        ports = (self.ports.http, self.ports.rtmp)
        return all(Port(self.address, port, "a host", "").serves() for port in ports)
