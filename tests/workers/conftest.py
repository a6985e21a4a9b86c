"""A worker's bench on a real bus."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from streaming.bus.redis import Valkey
from workers.transcode import Workbench
from workers.warm import WarmEncoders


@pytest.fixture
def bus(bus_url: str) -> Iterator[Valkey]:
    valkey = Valkey(bus_url)
    yield valkey
    valkey.close()


@pytest.fixture
def state(state_url: str) -> Iterator[Valkey]:
    valkey = Valkey(state_url)
    yield valkey
    valkey.close()


@pytest.fixture
def bench(bus: Valkey) -> Iterator[Workbench]:
    warm = WarmEncoders(time.monotonic)
    yield Workbench(
        bus=bus,
        warm=warm,
        ffmpeg=settings.FFMPEG,
        instance="test",
        clock=time.monotonic,
    )
    warm.close()
