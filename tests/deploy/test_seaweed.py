"""The embedded S3 server, and when it is there."""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from bench.rig import free_run
from config import settings
from deploy.local import installation
from deploy.local.seaweed import Seaweed
from tests import engines
from tests.workers.fleet import eventually

FILM = b"a" * 100_000


def test_it_serves_with_its_bucket_and_keeps_its_keys_to_itself(session_folder: Path) -> None:
    server = engines.seaweed(session_folder / "own", port=free_run(8))
    server.prepare()
    assert not server.ready()
    with engines.running(server.program()):
        assert server.ready()
        assert server.ready()  # the bucket is there already
    assert stat.S_IMODE(server.home.stat().st_mode) == 0o700


def test_it_stops_at_once_and_what_it_acknowledged_is_there_again(session_folder: Path) -> None:
    server = engines.seaweed(session_folder / "stopped", port=free_run(8))
    server.prepare()
    with engines.running(server.program()):
        eventually(lambda: puts(server))
    with engines.running(server.program()):
        assert eventually(lambda: kept(server)) == FILM


def puts(server: Seaweed) -> bool:
    """Whether the film was taken: not before the server's parts have found each other."""
    with suppress(ClientError, BotoCoreError):
        server.client().put_object(Bucket=server.bucket, Key="film", Body=FILM)
        return True
    return False


def kept(server: Seaweed) -> bytes | None:
    """The film; None until the server's parts have found each other again."""
    with suppress(ClientError, BotoCoreError):
        body: bytes = server.client().get_object(Bucket=server.bucket, Key="film")["Body"].read()
        return body
    return None


def test_it_is_run_when_media_goes_to_s3_and_nobody_named_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installation.Engines().s3 is None
    monkeypatch.setattr(settings, "STORAGE", "s3")
    monkeypatch.delenv("S3_ENDPOINT", raising=False)
    engines = installation.Engines()
    assert engines.s3 is not None
    assert engines.s3.url == settings.S3_ENDPOINT
    assert "s3" in [program.name for program in engines.programs()]
    assert installation.S3 in installation.ports()
    monkeypatch.setenv("S3_ENDPOINT", "https://s3.example.org")
    assert installation.Engines().s3 is None
    assert installation.S3 not in installation.ports()
