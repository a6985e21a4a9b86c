"""The embedded PostgreSQL."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from deploy.local.errors import EngineFailed
from deploy.local.postgres import Postgres
from tests import engines


@pytest.fixture(scope="module")
def folder(session_folder: Path) -> Path:
    folder = session_folder / "own"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Postgres:
    postgres = engines.postgres(folder)
    postgres.prepare()
    return postgres


@pytest.fixture
def served(cluster: Postgres) -> Iterator[Postgres]:
    with engines.running(cluster.program()):
        yield cluster


def owner(path: Path) -> int:
    return path.stat().st_uid


def test_only_the_service_user_may_enter_its_folders(cluster: Postgres) -> None:
    for folder in (cluster.home, cluster.sockets):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert owner(folder) == (cluster.user.uid if cluster.user else os.getuid())


def test_never_runs_as_root(served: Postgres) -> None:
    pid = int((served.data / "postmaster.pid").read_text().splitlines()[0])
    assert owner(Path(f"/proc/{pid}")) == owner(served.data) != 0


def test_listens_on_its_socket_only(served: Postgres) -> None:
    connection = psycopg2.connect(served.url("postgres"))
    with connection.cursor() as cursor:
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)
    connection.close()


def test_makes_a_database_once(served: Postgres) -> None:
    served.create_database("once")
    served.create_database("once")
    psycopg2.connect(served.url("once")).close()


def test_keeps_data_over_a_clean_stop(cluster: Postgres) -> None:
    with engines.running(cluster.program()):
        cluster.create_database("kept")
        connection = psycopg2.connect(cluster.url("kept"))
        connection.autocommit = True
        connection.cursor().execute("CREATE TABLE facts AS SELECT 42 AS answer")
        connection.close()
    cluster.prepare()
    with engines.running(cluster.program()):
        connection = psycopg2.connect(cluster.url("kept"))
        cursor = connection.cursor()
        cursor.execute("SELECT answer FROM facts")
        assert cursor.fetchone() == (42,)
        connection.close()


def test_half_a_cluster_of_a_killed_initdb_is_made_anew(folder: Path) -> None:
    postgres = engines.postgres(folder / "killed")
    half = postgres.home / "18.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    postgres.prepare()
    assert (postgres.data / "postgresql.conf").exists()
    assert not half.exists()


def test_says_what_postgres_said_when_it_cannot_start(folder: Path) -> None:
    postgres = engines.postgres(folder / "broken")
    postgres.prepare()
    (postgres.data / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(EngineFailed, match="nonsense"), engines.running(postgres.program()):
        pass


def test_dies_with_the_process_that_started_it(cluster: Postgres) -> None:
    assert cluster.program().command[:1] == ("setpriv",)
    assert cluster.program().death_signal is signal.SIGINT
