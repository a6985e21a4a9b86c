"""A whole cluster of its own: what `make cluster` starts, in a folder that goes away."""

from __future__ import annotations

import os
import re
import shlex
import signal
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bench.processes import descendants
from bench.rig import Rig, RigFailed, free_run
from deploy.cluster.hosts import HOSTS
from deploy.cluster.programs import MOST_PORTS
from deploy.edge.programs import Edge, Ports
from streaming.metrics import PROCESSES

S3_PORTS = 8
"""Of the embedded S3 server, in a row."""


class ClusterRig(Rig):
    """Runs the cluster while entered. `url` is the edge's; encoders that are told nothing else go to the first host."""

    program = "deploy.cluster"
    stop_seconds = 60.0

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.http_port = free_run(MOST_PORTS + S3_PORTS)
        self.url = f"http://localhost:{self.http_port}"
        self.whip_url = f"{self.url}/whip"
        self.environment |= {
            "EDGE_PORT": str(self.http_port),
            "S3_PORT": str(self.http_port + MOST_PORTS),
            "FLOWER_PORT": "0",
            "BUS_MEMORY": "1gb",
            **(environment or {}),
        }
        self.data = Path(self.environment["DATA_DIR"])

    @property
    def edge(self) -> Edge:
        """What stands in front of the hosts."""
        return Edge(self.data / "edge", Ports.row(self.http_port), live=(), pages=())

    def wait_until_ready(self, *, seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        while not (self.status("/readyz") == 200 and all(map(self.serves, HOSTS))):
            if self._process and self._process.poll() is not None:
                raise RigFailed("the cluster ended while it started", self.log)
            if time.monotonic() > deadline:
                raise RigFailed(f"the cluster was not ready after {seconds:.0f} s", self.log)
            time.sleep(0.2)
        # What is run beside the cluster finds its engines and recordings where hosts do.
        self.environment |= self.host_environment(HOSTS[0])

    def host_environment(self, host: str) -> dict[str, str]:
        """What a host was started with, as `make cluster` writes it down."""
        lines = shlex.split((self.data / f"host-{host}" / "environment").read_text())
        return dict(line.split("=", 1) for line in lines)

    def rtmp_url(self, host: str) -> str:
        """Where encoders connect to a host."""
        return self.host_environment(host)["RTMP_URL"]

    def host_url(self, host: str) -> str:
        """Where a host serves pages, playback and chat, past the edge."""
        told = self.host_environment(host)
        return f"http://{told['HTTP_HOST']}:{told['HTTP_PORT']}"

    def serves(self, host: str) -> bool:
        """Whether a host answers, pages and health."""
        with suppress(OSError), urllib.request.urlopen(f"{self.host_url(host)}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
        return False

    def plays(self, host: str) -> bool:
        """Whether a host follows a broadcast, because viewers ask there."""
        return self._told(host, "web", "headrace_playback_followed_broadcasts") > 0

    def publishes(self, host: str) -> bool:
        """Whether an encoder publishes there."""
        return self._told(host, "ingest", "headrace_ingest_publishers") > 0

    def kill(self, host: str) -> None:
        """Ends all processes of a host at once, as if its power failed. It is started again."""
        supervisor = int((self.data / f"host-{host}" / "lock").read_text())
        for pid in (supervisor, *descendants(supervisor)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _told(self, host: str, process: str, name: str) -> float:
        """A metric of one of the host's processes; 0 while it does not answer."""
        told = self.host_environment(host)
        url = f"http://{told['METRICS_HOST']}:{int(told['METRICS_PORT']) + PROCESSES.index(process)}/metrics"
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if found := re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE):
                return float(found[1])
        return 0.0
