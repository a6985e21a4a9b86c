"""A whole cluster of its own: what `make cluster` starts, in a folder that goes away."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bench.rig import Rig, RigFailed, free_port
from deploy.cluster.hosts import HOSTS, Ports
from deploy.cluster.network import Network
from streaming.metrics import PROCESSES

S3_PORT = 8333
"""On the hosts' network, so nobody else has it."""


class ClusterRig(Rig):
    """Runs the cluster while entered, its hosts in networks of their own, so as root alone. `url` is the edge's."""

    program = "deploy.cluster"

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        super().__init__()
        data = Path(self.environment["DATA_DIR"])
        self.network = Network.of(HOSTS, data)
        self.http_port = free_port()
        self.url = f"http://localhost:{self.http_port}"
        self.whip_url = f"{self.url}/whip"
        mine = {"DATA_DIR", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "PATH", "HOME", "LANG", "FFMPEG"}
        self.environment = {
            **{name: value for name, value in self.environment.items() if name in mine},
            "EDGE_PORT": str(self.http_port),
            "PUBLIC_URL": self.url,
            "RTMP_URL": self.rtmp_url(HOSTS[0]),
            "S3_PORT": str(S3_PORT),
            "BUS_MEMORY": "1gb",
            "VOD_LADDER": "none",
            **(environment or {}),
        }

    def rtmp_url(self, host: str) -> str:
        return f"rtmp://{self.network.address(host)}:{Ports().rtmp}/live"

    def wait_until_ready(self, *, seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        while not (self.status("/readyz") == 200 and all(map(self.serves, HOSTS))):
            if self._process and self._process.poll() is not None:
                raise RigFailed("the cluster ended while it started", self.log)
            if time.monotonic() > deadline:
                raise RigFailed(f"the cluster was not ready after {seconds:.0f} s", self.log)
            time.sleep(0.2)
        # What is run beside the cluster finds its recordings where hosts do.
        self.environment |= {"STORAGE": "s3", "S3_ENDPOINT": f"http://{self.network.gateway}:{S3_PORT}"}

    def host_url(self, host: str) -> str:
        """Where a host serves pages, playback and chat, past the edge."""
        return f"http://{self.network.address(host)}:{Ports().http}"

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
        space = self.network.namespace(host)
        while pids := subprocess.run(["ip", "netns", "pids", space], capture_output=True, check=True).stdout.split():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            if not self.serves(host):
                return

    def _told(self, host: str, process: str, name: str) -> float:
        """A metric of one of the host's processes; 0 while it does not answer."""
        url = f"http://{self.network.address(host)}:{Ports().metrics + PROCESSES.index(process)}/metrics"
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if found := re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE):
                return float(found[1])
        return 0.0
