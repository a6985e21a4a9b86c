"""The whole installation, as `make run` starts it, and a real browser: what the end-to-end tests share."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.browser import chromium, launched
from bench.cluster_rig import ClusterRig
from bench.rig import BASE_DIR, Rig, free_port
from deploy.cluster.hosts import HOSTS
from tests.e2e.clip import make_clip

RECONNECT_GRACE = 8
ENVIRONMENT = {"RECONNECT_GRACE": str(RECONNECT_GRACE), "DEVICES": "cpu"}
FILMED = "filmed"
"""The channel of `video`."""
VIDEO_SECONDS = 40


@pytest.fixture(scope="session")
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """An installation of its own, whose broadcasts wait only 8 s for an encoder to return: one machine's, or with
    `--cluster` three hosts behind the edge."""
    kind = ClusterRig if request.config.getoption("--cluster") else Rig
    with kind(ENVIRONMENT) as running:
        yield running


@pytest.fixture(scope="session")
def alone(rig: Rig) -> Rig:
    """The installation, for what only one machine's has."""
    if isinstance(rig, ClusterRig):
        pytest.skip("is about an installation of one machine")
    return rig


@pytest.fixture(scope="session")
def elsewhere(rig: Rig, request: pytest.FixtureRequest) -> str:
    """The address of another web server than that at `rig.url`: Daphne, or a host of the cluster past the edge."""
    served: str = rig.host_url(HOSTS[-1]) if isinstance(rig, ClusterRig) else request.getfixturevalue("daphne")
    return served


@pytest.fixture(scope="session")
def daphne(alone: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a second web server of the installation, Daphne, where its own is uvicorn."""
    port = free_port()
    url, said = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("daphne") / "log"
    argv = (sys.executable, "-m", "daphne", "config.asgi:application", "-b", "127.0.0.1", "-p", str(port), "-v", "0")
    with said.open("wb") as log, subprocess.Popen(argv, cwd=BASE_DIR, env=alone.environment, stderr=log) as process:
        deadline = time.monotonic() + 30
        while not serves(url):
            assert process.poll() is None and time.monotonic() < deadline, said.read_text()  # noqa: PT018
            time.sleep(0.05)
        yield url
        process.terminate()
        process.wait(10)


def serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    if not (BASE_DIR / "static" / "vendor" / "hls.min.mjs").exists():
        pytest.skip("the player's libraries are not there: make install")
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty seconds as OBS sends them: 640x360 at 30 fps, 2 s GOPs with two B-frames, AAC at 48 kHz."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.flv", seconds=60)


@pytest.fixture(scope="session")
def video(rig: Rig) -> str:
    """The id of a video that is on the rig, as archiving leaves it."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.vods.recorded", FILMED, str(VIDEO_SECONDS)],
        cwd=BASE_DIR,
        env=rig.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.split()[-1]
