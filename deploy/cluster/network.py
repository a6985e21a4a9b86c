"""What hosts are connected by: a network of its own for each, on one bridge; or this machine's, for all.

Only root may make networks, and in many a container not even root.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"


class NetworkRefused(Exception):
    """This machine lets us make no networks; its text says why."""


@dataclass(frozen=True, slots=True)
class Shared:
    """This machine's own network; `why` there is no other. Hosts are told apart by their ports."""

    why: str
    gateway = LOOPBACK

    def address(self, host: str) -> str:  # noqa: ARG002 - it is that of all
        return LOOPBACK

    def within(self, host: str) -> tuple[str, ...]:  # noqa: ARG002
        return ()


@dataclass(frozen=True, slots=True)
class Bridged:
    """A namespace a host. `gateway` is this machine's address; hosts come behind it. `tag` names interfaces."""

    hosts: Sequence[str]
    tag: str
    prefix: str

    @classmethod
    def of(cls, hosts: Sequence[str], data: Path) -> Bridged:
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

    def make(self) -> None:
        """Raises NetworkRefused; then nothing of it is left."""
        if os.geteuid() != 0:
            raise NetworkRefused("only root may make others")
        if shutil.which("ip") is None:
            raise NetworkRefused("ip is missing, which makes others: apt-get install iproute2")
        self.remove()  # what a cluster that was killed has left
        try:
            self._make()
        except subprocess.CalledProcessError as failure:
            self.remove()
            raise NetworkRefused(failure.stderr.decode(errors="replace").strip()) from failure

    def remove(self) -> None:
        for host in self.hosts:
            _ip("netns", "delete", self.namespace(host), check=False)
            _ip("link", "delete", f"hr{self.tag}{host}", check=False)
        _ip("link", "delete", f"hr{self.tag}", check=False)

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
            # To make a namespace and to enter one are two permissions.
            _ip("netns", "exec", space, "true")


Network = Shared | Bridged


@contextlib.contextmanager
def network(hosts: Sequence[str], data: Path) -> Iterator[Network]:
    """Networks for the hosts until the block ends, where this machine lets us make them; else its own."""
    bridged = Bridged.of(hosts, data)
    try:
        bridged.make()
    except NetworkRefused as refused:
        yield Shared(str(refused))
        return
    try:
        yield bridged
    finally:
        bridged.remove()


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(("ip", *words), check=check, capture_output=True)
