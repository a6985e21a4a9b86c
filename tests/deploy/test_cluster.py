"""Hosts of a cluster: what each is told, and their networks. `make soak` runs whole clusters."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.cluster.hosts import HOSTS, Host
from deploy.cluster.network import Network

DATA = Path("/var/lib/headrace")
OWN = ("HOST_NAME", "DATA_DIR", "RTMP_URL", "METRICS_HOST")
PORTS = ("HTTP_PORT", "RTMP_PORT", "WHIP_PORT", "IRC_PORT", "FLOWER_PORT", "METRICS_PORT")


def hosts(network: Network | None) -> list[dict[str, str]]:
    urls = ("http://localhost:8080", "redis://localhost", "http://localhost:8333")
    return [Host(name, DATA, network, *urls).environment() for name in HOSTS]


def test_hosts_share_databases_media_and_key_and_nothing_else_of_their_own() -> None:
    told = hosts(Network.of(HOSTS, DATA))
    shared_ones = ("DATABASE_URL", "BUS_URL", "STATE_URL", "QUEUE_URL", "S3_ENDPOINT")
    for shared in (*shared_ones, "MEDIA_ROOT", "SECRET_KEY", "PUBLIC_URL"):
        assert {each[shared] for each in told} == {told[0][shared]}
    for own in OWN:
        assert len({each[own] for each in told}) == len(HOSTS)


def test_in_one_network_no_two_processes_meet_at_a_port() -> None:
    told = hosts(None)
    # A host's metrics take a port a process, and a device.
    ports = [int(each[port]) for each in told for port in PORTS]
    assert len(set(ports)) == len(ports)
    metrics = sorted(int(each["METRICS_PORT"]) for each in told)
    assert all(after - before >= 8 for before, after in itertools.pairwise(metrics))


def test_clusters_beside_each_other_have_other_networks() -> None:
    one, two = (Network.of(HOSTS, DATA / name) for name in ("one", "two"))
    assert {one.tag, one.gateway}.isdisjoint({two.tag, two.gateway})
    assert max(len(f"hr{one.tag}{host}x") for host in HOSTS) <= 15, "a name of an interface has 15 letters at most"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes networks")
@pytest.mark.skipif(shutil.which("ip") is None, reason="no ip here: apt-get install iproute2")
def test_a_host_s_network_is_its_own_and_reached_from_here(session_folder: Path) -> None:
    network = Network.of(HOSTS, session_folder)
    with network.up():
        for host in HOSTS:
            said = subprocess.run(
                [*network.within(host), "ip", "-brief", "-4", "address"], check=True, capture_output=True, text=True
            )
            assert network.address(host) in said.stdout
            assert network.gateway not in said.stdout
        here = subprocess.run(["ip", "route", "get", network.address("a")], check=True, capture_output=True, text=True)
        assert f"src {network.gateway}" in here.stdout
    gone = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True)
    assert network.tag not in gone.stdout
