"""Hosts of a cluster: what each is told, and what they are connected by. `tests/e2e` and `make soak` run clusters."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.cluster.hosts import HOSTS, Host
from deploy.cluster.network import Bridged, Network, Shared, network
from deploy.cluster.programs import MOST_PORTS
from deploy.local.start import BASE_DIR
from streaming.metrics import MOST_DEVICES, PROCESSES
from tests.deploy import installation

DATA = Path("/var/lib/headrace")
OWN = ("HOST_NAME", "DATA_DIR", "RTMP_URL", "METRICS_HOST")
PORTS = ("HTTP_PORT", "RTMP_PORT", "WHIP_PORT", "IRC_PORT", "METRICS_PORT")
EDGE_PORT = 8080
COMMAND = (sys.executable, "-m", "deploy.cluster")
SAYS_WHICH = """
import json, pathlib, sys
from deploy.cluster.network import network
with network(["a"], pathlib.Path(sys.argv[1])) as found:
    print(json.dumps([found.address("a"), found.gateway, found.why]))
"""


def hosts(connected: Network) -> list[dict[str, str]]:
    urls = ("redis://localhost", "http://localhost:8333")
    return [Host(name, DATA, connected, EDGE_PORT, *urls).environment() for name in HOSTS]


def test_hosts_share_engines_media_and_key_and_nothing_else_of_their_own() -> None:
    told = hosts(Bridged.of(HOSTS, DATA))
    shared_ones = ("DATABASE_URL", "BUS_URL", "STATE_URL", "QUEUE_URL", "S3_ENDPOINT")
    for shared in (*shared_ones, "MEDIA_ROOT", "SECRET_KEY", "PUBLIC_URL"):
        assert {each[shared] for each in told} == {told[0][shared]}
    for own in OWN:
        assert len({each[own] for each in told}) == len(HOSTS)


def test_in_one_network_no_two_processes_meet_at_a_port() -> None:
    told = hosts(Shared("they may not"))
    assert {each[port] for each in told for port in PORTS} == {str(port) for row in map(doors, told) for port in row}
    metrics = len(PROCESSES) + MOST_DEVICES
    rows = [range(EDGE_PORT, EDGE_PORT + 5), *(range(doors(each).start, doors(each).stop + metrics) for each in told)]
    assert all(row.stop <= after.start for row, after in itertools.pairwise(rows))
    assert rows[-1].stop <= EDGE_PORT + MOST_PORTS


def doors(told: dict[str, str]) -> range:
    return range(int(told["HTTP_PORT"]), int(told["METRICS_PORT"]) + 1)


def test_clusters_beside_each_other_have_other_networks() -> None:
    one, two = (Bridged.of(HOSTS, DATA / name) for name in ("one", "two"))
    assert {one.tag, one.gateway}.isdisjoint({two.tag, two.gateway})
    assert max(len(f"hr{one.tag}{host}x") for host in HOSTS) <= 15, "a name of an interface has 15 letters at most"


def test_a_host_s_network_is_its_own_reached_from_here_and_gone_afterwards(session_folder: Path) -> None:
    with network(HOSTS, session_folder) as found:
        if isinstance(found, Shared):
            pytest.skip(f"no networks for hosts here: {found.why}")
        for host in HOSTS:
            said = subprocess.run(
                [*found.within(host), "ip", "-brief", "-4", "address"], check=True, capture_output=True, text=True
            )
            assert found.address(host) in said.stdout
            assert found.gateway not in said.stdout
        here = subprocess.run(["ip", "route", "get", found.address("a")], check=True, capture_output=True, text=True)
        assert f"src {found.gateway}" in here.stdout
    gone = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True)
    assert found.tag not in gone.stdout


def test_where_no_networks_may_be_made_hosts_share_this_machine_s(tmp_path: Path) -> None:
    """As in most containers, for root too; a plain user may make none anywhere."""
    lacking = ("setpriv", "--bounding-set=-net_admin,-sys_admin") if os.geteuid() == 0 else ()
    done = subprocess.run(
        [*lacking, sys.executable, "-c", SAYS_WHICH, str(tmp_path)],
        cwd=BASE_DIR,
        check=True,
        capture_output=True,
        text=True,
    )
    address, gateway, why = json.loads(done.stdout)
    assert (address, gateway) == ("127.0.0.1", "127.0.0.1")
    assert why


def test_what_a_shell_reads_is_a_host_s_environment_and_its_owner_s_alone(tmp_path: Path) -> None:
    host = Host("a", tmp_path / "a folder", Shared("they may not"), EDGE_PORT, "redis://localhost", "http://localhost")
    host.prepare()
    assert host.environment_file.stat().st_mode & 0o077 == 0
    script = f'set -a; . "{host.environment_file}"; exec env -0'
    said = subprocess.run(["sh", "-c", script], env={}, check=True, capture_output=True, text=True).stdout
    assert host.environment().items() <= dict(line.split("=", 1) for line in said.split("\0") if line).items()


def refused(session_folder: Path, edge_port: str) -> str:
    """What a cluster says that does not start."""
    environment = installation.environment(session_folder / "refused") | {"EDGE_PORT": edge_port}
    done = subprocess.run(COMMAND, env=environment, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr


def test_a_port_that_makes_no_sense_is_a_sentence(session_folder: Path) -> None:
    assert refused(session_folder, "x") == "headrace: EDGE_PORT='x' must be a whole number from 1 to 65416.\n"


def test_names_a_taken_port_before_it_starts_anything(session_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(session_folder, str(port)) == (
            f"headrace: Port {port} (the edge) is taken by another program. "
            f"Stop that program, or choose another port: make cluster EDGE_PORT={port + 1}\n"
        )
    assert not (session_folder / "refused" / "postgres").exists()
