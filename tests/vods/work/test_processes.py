"""A VOD by the processes that an installation runs: dispatcher and workers, woken by messages of a real broker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from streaming.media import AUDIO, SOURCE
from tests.streaming.cmaf.clips import Clip
from tests.vods.onair import OnAir, units_of
from tests.workers.fleet import eventually
from vods.library import timeline_of
from vods.models import Asset, AssetKind, AssetState, Vod, VodState
from vods.storage import media
from workers.models import Step, StepState

PATIENCE = 90.0
"""Seconds: three workers start Python first, and the machine may have much else to do."""


@pytest.fixture
def processes(storage: Path, state_url: str, transactional_db: None) -> Iterator[None]:
    """The dispatcher, and the workers of one device and of durable work."""
    environment = {**os.environ, "MEDIA_ROOT": str(storage), "DEVICES": "cpu:0"}
    with ExitStack() as stack:
        for name in ("dispatcher", "workers"):
            process = subprocess.Popen([sys.executable, "manage.py", name], cwd=settings.BASE_DIR, env=environment)
            stack.callback(process.wait, 40)
            stack.callback(process.terminate)
        yield


@pytest.mark.timeout(240)
def test_an_ended_broadcast_plays_and_gets_its_files(air: OnAir, clip: Clip, processes: None) -> None:
    air.send(clip)
    eventually(lambda: Step.objects.filter(name="archive 0", state=StepState.DONE).exists(), PATIENCE)
    air.end()
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
    assert not Step.objects.exclude(last_error="").exists()
