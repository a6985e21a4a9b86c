"""deploy/venv.sh, on Pythons that lack something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config import settings


@pytest.fixture
def lame(tmp_path: Path) -> Path:
    """This Python as Debian ships it without python3-venv: it can't import ensurepip."""
    (tmp_path / "ensurepip.py").write_text("raise ImportError('not installed')\n")
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A Python that says no to every question, as 3.10 does to the first."""
    python = tmp_path / "python3.10"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    return python


def make(folder: Path, python: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [settings.BASE_DIR / "deploy" / "venv.sh", folder],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_missing_ensurepip_is_answered_with_the_line_to_type(tmp_path: Path, lame: Path) -> None:
    done = make(tmp_path / "venv", lame)
    assert done.returncode == 1
    assert "On Debian or Ubuntu: apt-get install python3" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "venv").exists()


def test_old_python_is_answered_with_the_version_needed(tmp_path: Path, old: Path) -> None:
    done = make(tmp_path / "venv", old)
    assert (done.returncode, "Python 3.11 or newer is needed" in done.stderr) == (1, True)


def test_makes_one_that_runs(tmp_path: Path) -> None:
    done = make(tmp_path / "venv", sys.executable)
    assert done.returncode == 0, done.stderr
    subprocess.run([tmp_path / "venv/bin/python", "-m", "pip", "--version"], check=True, capture_output=True)
