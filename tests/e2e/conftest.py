"""The whole installation, as `make run` starts it, and a real browser: what the end-to-end tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.browser import chromium, launched
from bench.rig import BASE_DIR, Rig
from tests.e2e.clip import make_clip

RECONNECT_GRACE = 8


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """An installation of its own, whose broadcasts wait only 8 s for an encoder to return."""
    with Rig({"RECONNECT_GRACE": str(RECONNECT_GRACE), "DEVICES": "cpu"}) as running:
        yield running


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
