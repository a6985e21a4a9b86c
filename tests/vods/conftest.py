"""Channels, broadcasts and VODs in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from accounts.models import User
from deploy.local.seaweed import Seaweed
from streaming import services
from streaming.bus.redis import Valkey
from streaming.models import Broadcast, Channel
from tests import engines
from tests.streaming.cmaf.clips import AAC, Clip, audio_input, make, video_input, x264
from tests.vods.onair import House, OnAir
from vods.models import Vod, VodState
from vods.storage import MediaStorage, media

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


MakeLive = Callable[[str], Broadcast]


@pytest.fixture
def make_live(transactional_db: None) -> MakeLive:
    """Has somebody go live."""

    def make(login: str) -> Broadcast:
        made = services.create_channel(user=User.objects.create_user(login), now=NOW)
        _, key = services.issue_key(channel_id=made.pk, now=NOW)
        return services.find_or_begin_broadcast(key=key, ingest="test", now=NOW)[0]

    return make


@pytest.fixture
def live(make_live: MakeLive) -> Broadcast:
    return make_live("alice")


@pytest.fixture
def air(bus: Valkey, live: Broadcast) -> OnAir:
    return OnAir(bus, live.pk)


@pytest.fixture
def house(bus: Valkey, storage: Path, state_url: str) -> House:
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


@pytest.fixture(scope="session")
def seaweed(session_folder: Path) -> Iterator[Seaweed]:
    """An S3 server."""
    server = engines.seaweed(session_folder, port=engines.free_ports(8))
    server.prepare()
    with engines.running(server.program()):
        yield server


def bucket_of(server: Seaweed) -> dict[str, Any]:
    """The storage's settings for a bucket of this server, with less patience than a house has."""
    return {
        "BACKEND": "vods.storage.S3Media",
        "OPTIONS": {
            "bucket_name": server.bucket,
            "endpoint_url": server.url,
            "region_name": "us-east-1",
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "addressing_style": "path",
            "client_config": Config(connect_timeout=1, read_timeout=1, retries={"max_attempts": 1}),
        },
    }


@pytest.fixture
def in_bucket(seaweed: Seaweed, settings: Any) -> MediaStorage:
    """Has media lie in an empty bucket."""
    settings.STORAGES = {**settings.STORAGES, "vods": bucket_of(seaweed)}
    media().remove_all("")
    return media()
