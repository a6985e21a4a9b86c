"""A network of its own for each host: namespaces on one bridge, which only root may make."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalError


@dataclass(frozen=True, slots=True)
class Network:
    """`gateway` is this machine's address on it; hosts come behind it. `tag` names interfaces."""

    hosts: Sequence[str]
    tag: str
    prefix: str

    @classmethod
    def of(cls, hosts: Sequence[str], data: Path) -> Network:
        """The network of the cluster that keeps its data there: another one than its neighbours'."""
        digest = hashlib.sha256(os.fsencode(data)).digest()
        return cls(hosts, digest.hex()[:5], f"10.{100 + digest[0] % 100}.{digest[1]}")

    @property
    def gateway(self) -> str:
        return f"{self.prefix}.1"

    def address(self, host: str) -> str:
        return f"{self.prefix}.{self.hosts.index(host) + 2}"

    def namespace(self, host: str) -> str:
        return f"headrace-{self.tag}-{host}"

    def within(self, host: str) -> tuple[str, ...]:
        """What a command is preceded by to run in a host's network. It is executed in place: PDEATHSIG stays."""
        return ("ip", "netns", "exec", self.namespace(host))

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        """Makes it, and takes it away at the end. Raises LocalError."""
        if shutil.which("ip") is None:
            raise LocalError("ip is missing. It is part of iproute2: apt-get install iproute2")
        self._remove()  # what a cluster that was killed has left
        try:
            self._make()
            yield
        except subprocess.CalledProcessError as failure:
            said = failure.stderr.decode(errors="replace").strip()
            raise LocalError(f"A network for the hosts can't be made: {said}") from failure
        finally:
            self._remove()

    def _make(self) -> None:
        bridge = f"hr{self.tag}"
        _ip("link", "add", bridge, "type", "bridge")
        _ip("address", "add", f"{self.gateway}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for host in self.hosts:
            space, here, there = self.namespace(host), f"hr{self.tag}{host}", f"hr{self.tag}{host}x"
            _ip("netns", "add", space)
            _ip("link", "add", here, "type", "veth", "peer", "name", there)
            _ip("link", "set", here, "master", bridge, "up")
            _ip("link", "set", there, "netns", space)
            _ip("-n", space, "address", "add", f"{self.address(host)}/24", "dev", there)
            _ip("-n", space, "link", "set", there, "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def _remove(self) -> None:
        for host in self.hosts:
            _ip("netns", "delete", self.namespace(host), check=False)
            _ip("link", "delete", f"hr{self.tag}{host}", check=False)
        _ip("link", "delete", f"hr{self.tag}", check=False)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(("ip", *words), check=check, capture_output=True)
