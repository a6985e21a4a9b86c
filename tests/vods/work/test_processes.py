"""A VOD by the processes that an installation runs: dispatcher and workers, woken by messages of a real broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

from bench.processes import descendants
from streaming.media import AUDIO, SOURCE
from tests.streaming.cmaf.clips import Clip
from tests.vods.onair import OnAir, units_of
from tests.vods.work.test_products import assert_same, asset
from tests.workers.fleet import eventually
from vods.library import timeline_of
from vods.models import Asset, AssetKind, AssetState, Vod, VodState
from vods.storage import media
from workers.models import Step, StepState

PATIENCE = 90.0
"""Seconds: three workers start Python first, and the machine may have much else to do."""


class Processes:
    """The dispatcher, and the workers of one device and of durable work."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._running = [
            subprocess.Popen([sys.executable, "manage.py", name], cwd=settings.BASE_DIR, env=self._environment)
            for name in ("dispatcher", "workers")
        ]

    def kill(self) -> None:
        """All of them at once, as when the machine loses its power."""
        for process in self._running:
            for pid in (process.pid, *descendants(process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(40)


@pytest.fixture
def processes(storage: Path, state_url: str, transactional_db: None) -> Iterator[Processes]:
    made = Processes({**os.environ, "MEDIA_ROOT": str(storage), "DEVICES": "cpu:0"})
    made.start()
    yield made
    made.stop()


@pytest.mark.timeout(240)
def test_a_broadcast_is_recorded_once_whoever_dies_meanwhile(air: OnAir, clip: Clip, processes: Processes) -> None:
    air.send(clip)
    eventually(lambda: Step.objects.filter(name="archive 0", state=StepState.DONE).exists(), PATIENCE)
    processes.kill()
    air.end()
    processes.start()
    eventually(lambda: Vod.objects.filter(state=VodState.READY).exists(), PATIENCE)
    vod = Vod.objects.get()
    for name in (SOURCE, AUDIO):
        timeline = timeline_of(vod.renditions.get(name=name))
        data = b"".join(media().read(one.key, one.offset, one.size) for one in timeline.segments)
        assert units_of(data) == air.units(name)
    eventually(lambda: not Asset.objects.filter(state=AssetState.MAKING).exists(), PATIENCE)
    states = dict(Asset.objects.values_list("kind", "state"))
    assert states.pop(AssetKind.CHAT) == AssetState.ABSENT
    assert set(states.values()) == {AssetState.READY}
    assert_same(asset(AssetKind.MP4)[1], air)
    assert not Step.objects.exclude(last_error="").exists()
