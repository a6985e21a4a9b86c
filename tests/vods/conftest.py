"""Channels, broadcasts and VODs in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from accounts.models import User
from bench.rig import free_run
from deploy.local.seaweed import Seaweed
from streaming import services
from streaming.bus.redis import Valkey
from streaming.models import Broadcast, Channel
from tests import engines
from tests.streaming.cmaf.clips import AAC, Clip, audio_input, make, video_input, x264
from tests.vods.killer import Killer, killer_of
from tests.vods.onair import House, OnAir
from vods.models import Vod, VodState
from vods.storage import MediaStorage, S3Media, media

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


@pytest.fixture
def killer(storage: Path) -> Iterator[Killer]:
    with killer_of(storage) as kill:
        yield kill


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
    server = engines.seaweed(session_folder, port=free_run(8))
    server.prepare()
    with engines.running(server.program()):
        yield server


class ColdBucket:
    """A bucket of a server that keeps away what lies in GLACIER, as S3 does and SeaweedFS doesn't: moto's."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)

    def __enter__(self) -> ColdBucket:
        self._server.start()
        _, port = self._server.get_host_and_port()
        self._url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def settings(self) -> dict[str, Any]:
        return s3_settings(url=self._url, bucket="headrace", access_key="tests", secret_key="of the tests")

    def begin(self, *, looks: int) -> None:
        """Forgets everything. What is restored from now on has come at the `looks`-th look for it."""
        self._post("reset", {})
        transition = {"progression": "manual", "times": looks}
        self._post("state-manager/set-transition", {"model_name": "s3::keyrestore", "transition": transition})

    def _post(self, path: str, body: object) -> None:
        httpx.post(f"{self._url}/moto-api/{path}", json=body).raise_for_status()


@pytest.fixture(scope="session")
def cold_server() -> Iterator[ColdBucket]:
    with ColdBucket() as server:
        yield server


@pytest.fixture
def cold_bucket(cold_server: ColdBucket, settings: Any) -> ColdBucket:
    """Has media lie in an empty bucket where what is cold comes back at the second look."""
    cold_server.begin(looks=2)
    settings.STORAGES = {**settings.STORAGES, "vods": cold_server.settings}
    cast("S3Media", media()).bucket.create()
    return cold_server


def bucket_of(server: Seaweed, *, patience: float = 10.0) -> dict[str, Any]:
    """The storage's settings for a bucket of this server."""
    return s3_settings(
        url=server.url,
        bucket=server.bucket,
        access_key=server.access_key,
        secret_key=server.secret_key,
        patience=patience,
    )


def s3_settings(*, url: str, bucket: str, access_key: str, secret_key: str, patience: float = 10.0) -> dict[str, Any]:
    """The storage's settings for a bucket, with fewer tries than a house has; `patience` is in seconds."""
    return {
        "BACKEND": "vods.storage.S3Media",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": url,
            "region_name": "us-east-1",
            "access_key": access_key,
            "secret_key": secret_key,
            "addressing_style": "path",
            "client_config": Config(connect_timeout=1, read_timeout=patience, retries={"max_attempts": 1}),
        },
    }


@pytest.fixture
def in_bucket(seaweed: Seaweed, settings: Any) -> MediaStorage:
    """Has media lie in an empty bucket."""
    settings.STORAGES = {**settings.STORAGES, "vods": bucket_of(seaweed)}
    media().remove_all("")
    return media()
