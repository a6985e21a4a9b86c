"""Channels, broadcasts and VODs in the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.models import User
from streaming import services
from streaming.bus.redis import Valkey
from streaming.models import Broadcast, Channel
from tests.streaming.cmaf.clips import AAC, Clip, audio_input, make, video_input, x264
from tests.vods.onair import House, OnAir
from vods.models import Vod, VodState

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def channel(db: None) -> Channel:
    return services.create_channel(user=User.objects.create_user("alice"), now=NOW)


@pytest.fixture
def broadcast(channel: Channel) -> Broadcast:
    _, key = services.issue_key(channel_id=channel.pk, now=NOW)
    found, _ = services.find_or_begin_broadcast(key=key, ingest="test", now=NOW)
    return found


@pytest.fixture
def vod(broadcast: Broadcast) -> Vod:
    """One that plays."""
    return Vod.objects.create(
        channel=broadcast.channel,
        broadcast=broadcast,
        recorded_at=NOW,
        state=VodState.READY,
        ready_at=NOW,
        target_duration=2,
        duration_ms=60_000,
    )


@pytest.fixture
def storage(tmp_path: Path, settings: object) -> Path:
    """The folder that objects go to."""
    folder = tmp_path / "media"
    settings.MEDIA_ROOT = folder  # type: ignore[attr-defined]
    return folder


@pytest.fixture
def bus(bus_url: str) -> Iterator[Valkey]:
    valkey = Valkey(bus_url)
    yield valkey
    valkey.close()


@pytest.fixture
def live(transactional_db: None) -> Broadcast:
    channel = services.create_channel(user=User.objects.create_user("alice"), now=NOW)
    _, key = services.issue_key(channel_id=channel.pk, now=NOW)
    found, _ = services.find_or_begin_broadcast(key=key, ingest="test", now=NOW)
    return found


@pytest.fixture
def air(bus: Valkey, live: Broadcast) -> OnAir:
    return OnAir(bus, live.pk)


@pytest.fixture
def house(bus: Valkey, storage: Path) -> House:
    return House(bus)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """25 s with B-frames and audio."""
    folder = tmp_path_factory.mktemp("clips")
    return make(
        folder / "clip.flv",
        *video_input(seconds=25),
        *audio_input(seconds=25),
        *x264(60, bframes=2),
        *AAC,
    )
