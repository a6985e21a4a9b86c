"""PostgreSQL's service user."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.service_user import ServiceUser
from tests import engines

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a service user")


@pytest.fixture
def closed(session_folder: Path) -> Iterator[Path]:
    """A folder that only root may enter, as /root is."""
    folder = session_folder / "closed"
    folder.mkdir(mode=0o700)
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


def test_only_root_needs_one(tmp_path: Path) -> None:
    assert (ServiceUser.find(tmp_path) is not None) == (os.geteuid() == 0)


@as_root
def test_owner_of_existing_data_stays_its_owner(session_folder: Path) -> None:
    folder = session_folder / "owned"
    folder.mkdir()
    os.chown(folder, 65_534, 65_534)
    assert ServiceUser.find(folder) == ServiceUser(65_534, 65_534)


@as_root
def test_needs_no_capability_where_folders_are_open(session_folder: Path) -> None:
    user = ServiceUser.find(session_folder)
    assert user
    assert not any("caps" in option for option in user.credentials([session_folder / "file"]))


@as_root
def test_serves_from_a_folder_closed_to_others_and_leaves_it_closed(closed: Path) -> None:
    postgres = engines.postgres(closed)
    postgres.prepare()
    with engines.running(postgres.program()):
        assert postgres.ready()
    assert closed.stat().st_mode & 0o777 == 0o700
