"""Objects on files and in a bucket: the same to whoever uses them."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest

from vods.storage import PIECE, MediaStorage, media


@pytest.fixture(params=["files", "s3"])
def objects(request: pytest.FixtureRequest, storage: Path) -> MediaStorage:
    return media() if request.param == "files" else request.getfixturevalue("in_bucket")


def test_what_is_put_is_read_in_whole_and_in_parts(objects: MediaStorage) -> None:
    data = bytes(range(256)) * 10_000
    for _ in range(2):
        objects.put("vods/a/source/0.m4s", data)
    assert objects.size("vods/a/source/0.m4s") == len(data)
    assert objects.read("vods/a/source/0.m4s") == data
    assert objects.read("vods/a/source/0.m4s", 300, 500) == data[300:800]
    assert objects.read("vods/a/source/0.m4s", len(data) - 5) == data[-5:]
    assert objects.read("vods/a/source/0.m4s", 3, 0) == b""
    objects.put("vods/a/empty", b"")
    assert objects.read("vods/a/empty") == b""
    pieces = list(objects.read_pieces("vods/a/source/0.m4s"))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= PIECE


def test_a_file_becomes_an_object_and_is_gone(objects: MediaStorage, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(b"x" * 20_000_000)
    objects.put_file("vods/a/video-0.mp4", made)
    assert objects.size("vods/a/video-0.mp4") == 20_000_000
    assert not made.exists()


def test_what_is_removed_is_gone(objects: MediaStorage) -> None:
    for key in ("vods/a/source/0", "vods/a/source/1", "vods/a/poster", "vods/ab/source/0"):
        objects.put(key, b"x")
    objects.remove("vods/a/source/1")
    objects.remove("vods/a/source/1")
    assert objects.remove_all("vods/a/") == 2
    assert objects.remove_all("vods/a/") == 0
    assert objects.read("vods/ab/source/0") == b"x"
    for missing in ("vods/a/source/0", "vods/a/source/1"):
        for look in (objects.read, objects.size, lambda key: list(objects.read_pieces(key))):
            with pytest.raises(FileNotFoundError):
                look(missing)


def test_a_full_disk_leaves_no_half_object(storage: Path) -> None:
    media().put("vods/a/0", b"before")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, most))
    try:
        for key in ("vods/a/0", "vods/a/1"):
            with pytest.raises(OSError, match="File too large"):
                media().put(key, b"x" * 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert [path.name for path in storage.glob("**/*") if path.is_file()] == ["0"]
    assert media().read("vods/a/0") == b"before"


def test_a_bucket_that_is_away_is_an_error_soon(in_bucket: MediaStorage, settings: Any) -> None:
    away = {**settings.STORAGES["vods"]["OPTIONS"], "endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = {**settings.STORAGES, "vods": {**settings.STORAGES["vods"], "OPTIONS": away}}
    with pytest.raises(Exception, match="Could not connect"):
        media().put("vods/a/0", b"x")
