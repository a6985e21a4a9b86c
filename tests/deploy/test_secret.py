"""Secrets of an installation."""

from __future__ import annotations

import stat
from pathlib import Path

from deploy.local.secret import kept_secret


def test_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = kept_secret(path)
    assert len(made) >= 64
    assert kept_secret(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_fills_a_file_that_was_left_empty(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    assert kept_secret(path) == path.read_text().strip() != ""
