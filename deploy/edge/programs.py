"""The edge's two programs on one machine: HAProxy and Varnish, in front of origins that run here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.network import Port
from deploy.local.program import Program

HERE = Path(__file__).parent
CONFIGURATION = HERE / "haproxy.cfg"
RULES = HERE / "media.vcl"
MOST_ORIGINS = 4
"""What `haproxy.cfg` has names for."""
CACHE_MEMORY = "512m"
SHORT_MEMORY = "128m"
"""Bounds of what Varnish holds: media, and what lives less than 10 s, as playlists do. Beyond, the oldest goes."""
PATHS = ("/usr/sbin", "/usr/local/sbin", "/usr/bin")
"""Where distributions put them; a plain user's PATH often lacks the first."""


def missing() -> list[str]:
    """Those of the two programs that this machine lacks."""
    return [name for name in ("haproxy", "varnishd") if find(name) is None]


def find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=":".join(PATHS))


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the edge listens on loopback; `http` and `https` are for browsers."""

    http: int
    https: int
    cache: int
    origins: int
    metrics: int

    @classmethod
    def row(cls, first: int) -> Ports:
        """One after the other."""
        return cls(*range(first, first + 5))


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge whose own files lie in `folder`, in front of processes that are given as host:port."""

    folder: Path
    ports: Ports
    live: Sequence[str]
    pages: Sequence[str]
    whip: Sequence[str] = ()
    host: str = "127.0.0.1"
    plain: bool = False
    """Whether browsers may come without TLS: in tests alone."""
    per_address: int = 1_000
    """Connections that one address may have."""

    @property
    def certificate(self) -> Path:
        return self.folder / "edge.pem"

    @property
    def url(self) -> str:
        return f"https://localhost:{self.ports.https}"

    def prepare(self) -> None:
        """Write what the programs read; without a certificate make one for localhost. Raises LocalError."""
        if found := missing():
            raise LocalError(f"The edge needs {' and '.join(found)}. On Debian: apt-get install haproxy varnish")
        if max(len(self.live), len(self.pages), len(self.whip)) > MOST_ORIGINS:
            raise LocalError(f"{CONFIGURATION} has names for {MOST_ORIGINS} origins of a kind.")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "origins.vcl").write_text(
            f'backend origins {{ .host = "127.0.0.1"; .port = "{self.ports.origins}"; }}\n'
        )
        if not self.certificate.exists():
            self._sign_for_localhost()

    def programs(self) -> list[Program]:
        """Varnish, then HAProxy. The workers of Varnish die with its manager."""
        return [
            Program(
                name="cache",
                argv=(
                    *(find("varnishd") or "varnishd", "-F", "-n", str(self.folder / "varnish")),
                    *("-a", f"127.0.0.1:{self.ports.cache}", "-f", str(RULES)),
                    *("-s", f"malloc,{CACHE_MEMORY}", "-s", f"Transient=malloc,{SHORT_MEMORY}"),
                    # A viewer who waits holds a place in a list; these threads are for those who are answered.
                    *("-p", f"vcl_path={self.folder}", "-p", "thread_pool_min=50", "-p", "thread_pool_max=500"),
                ),
                ready=Port("127.0.0.1", self.ports.cache, "the cache", "").serves,
            ),
            Program(
                name="edge",
                argv=(find("haproxy") or "haproxy", "-db", "-f", str(CONFIGURATION)),
                env=self.environment(),
                ready=Port("127.0.0.1", self.ports.https, "the edge", "").serves,
                stop_seconds=2.0,
            ),
        ]

    def environment(self) -> dict[str, str]:
        """What `haproxy.cfg` asks of its environment."""
        lists = {"LIVE": self.live, "PAGES": self.pages, "WHIP": self.whip}
        origins = {f"{name}_{number}": at for name, each in lists.items() for number, at in enumerate(each, start=1)}
        plain = {"EDGE_PLAIN": "1"} if self.plain else {}
        return (
            origins
            | plain
            | {
                "EDGE_HTTP": f"{self.host}:{self.ports.http}",
                "EDGE_HTTPS": f"{self.host}:{self.ports.https}",
                "EDGE_CERT": str(self.certificate),
                "EDGE_CACHE": f"127.0.0.1:{self.ports.cache}",
                "EDGE_ORIGINS": f"127.0.0.1:{self.ports.origins}",
                "EDGE_METRICS": f"127.0.0.1:{self.ports.metrics}",
                "EDGE_PER_ADDRESS": str(self.per_address),
            }
        )

    def _sign_for_localhost(self) -> None:
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-days", "365", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            check=True,
            capture_output=True,
        )
        self.certificate.touch(mode=0o600)
        self.certificate.write_text(certificate.read_text() + key.read_text())
        key.unlink()
