"""Objects move between tiers: the same bytes under the same name, at any time, whoever dies."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from botocore.exceptions import ClientError

from tests.vods.conftest import ColdBucket
from vods import storage as storing
from vods.models import Tier
from vods.steps import Abandoned
from vods.storage import MediaStorage, ObjectAway, S3Media, media

KEY = "vods/a/source/0.m4s"
DATA = bytes(range(256)) * 12_000


@pytest.fixture(params=["files", "s3"])
def objects(request: pytest.FixtureRequest, storage: Path) -> MediaStorage:
    return media() if request.param == "files" else request.getfixturevalue("in_bucket")


@pytest.fixture
def other_disk(storage: Path) -> Iterator[Path]:
    """Mounts another file system where warm objects go."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        storage.mkdir()
        (storage / "warm").symlink_to(folder)
        assert Path(folder).stat().st_dev != storage.stat().st_dev
        yield Path(folder)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_object_is_the_same_in_every_tier(objects: MediaStorage) -> None:
    objects.put(KEY, DATA)
    for tier in (Tier.WARM, Tier.WARM, Tier.COLD, Tier.ARCHIVE, Tier.HOT):
        assert objects.recall(KEY, tier)
        objects.move(KEY, tier)
        assert objects.size(KEY) == len(DATA)
        assert objects.read(KEY, 1_000, 5_000) == DATA[1_000:6_000]
        assert b"".join(objects.read_pieces(KEY)) == DATA
    for act in (objects.move, objects.recall):
        with pytest.raises(FileNotFoundError):
            act("vods/a/none", Tier.WARM)


@pytest.mark.parametrize("tier", [Tier.WARM, Tier.COLD])
def test_what_is_removed_is_gone_from_every_tier(objects: MediaStorage, tier: Tier) -> None:
    for name in ("one", "two", "hot"):
        objects.put(f"vods/a/{name}", DATA)
    for name in ("one", "two"):
        objects.move(f"vods/a/{name}", tier)
    objects.remove("vods/a/one")
    assert objects.remove_all("vods/a/") == 2
    for name in ("one", "two", "hot"):
        with pytest.raises(FileNotFoundError):
            objects.read(f"vods/a/{name}")


def test_a_large_object_is_copied_in_parts(in_bucket: S3Media, monkeypatch: pytest.MonkeyPatch) -> None:
    part = 5 * 1024 * 1024
    monkeypatch.setattr(storing.COPYING, "multipart_threshold", part)
    monkeypatch.setattr(storing.COPYING, "multipart_chunksize", part)
    whole = os.urandom(2 * part + 17)
    in_bucket.put(KEY, whole)
    parts: list[None] = []
    in_bucket.move(KEY, Tier.WARM, lambda: parts.append(None))
    assert len(parts) == 3
    assert in_bucket.read(KEY) == whole
    head = in_bucket.connection.meta.client.head_object(Bucket=in_bucket.bucket.name, Key=KEY)
    assert head["StorageClass"] == "STANDARD_IA"


def give_up() -> None:
    raise Abandoned


def test_a_move_that_is_given_up_leaves_the_object_where_it_was(objects: MediaStorage, other_disk: Path) -> None:
    objects.put(KEY, DATA)
    with pytest.raises(Abandoned):
        objects.move(KEY, Tier.WARM, give_up)
    assert objects.read(KEY) == DATA
    assert files_in(other_disk) == []


def test_files_lie_in_their_tiers_folder(storage: Path) -> None:
    media().put(KEY, DATA)
    media().move(KEY, Tier.COLD)
    assert files_in(storage) == [f"cold/{KEY}"]
    media().move(KEY, Tier.HOT)
    assert files_in(storage) == [KEY]


def test_another_disk_gets_a_copy_that_was_read_back(storage: Path, other_disk: Path) -> None:
    media().put(KEY, DATA)
    media().move(KEY, Tier.WARM)
    assert files_in(other_disk) == [KEY]
    assert not (storage / KEY).exists()
    assert media().read(KEY) == DATA
    media().move(KEY, Tier.HOT)
    assert files_in(other_disk) == []
    assert media().read(KEY) == DATA


def test_what_a_killed_move_left_behind_is_put_right_by_the_next(storage: Path, other_disk: Path) -> None:
    """The copy had appeared, and the old one was not gone."""
    media().put(KEY, DATA)
    media().move(KEY, Tier.WARM)
    media().put(KEY, b"made anew since")
    assert media().read(KEY) == b"made anew since"
    media().move(KEY, Tier.WARM)
    assert files_in(other_disk) == [KEY]
    assert not (storage / KEY).exists()
    assert media().read(KEY) == b"made anew since"


def test_what_is_cold_is_refused_until_it_was_recalled(cold_bucket: ColdBucket) -> None:
    bucket = cast("S3Media", media())
    bucket.put(KEY, DATA)
    bucket.move(KEY, Tier.COLD)
    for look in (bucket.read, lambda key: list(bucket.read_pieces(key)), lambda key: bucket.move(key, Tier.WARM)):
        with pytest.raises(ObjectAway):
            look(KEY)
    assert bucket.size(KEY) == len(DATA)
    assert bucket.recall(KEY, Tier.COLD)  # it lies there already
    asked = [bucket.recall(KEY, Tier.WARM) for _ in range(3)]
    assert asked == [False, False, True]
    bucket.move(KEY, Tier.WARM)
    assert bucket.read(KEY) == DATA


def test_a_server_without_restore_keeps_nothing_away(in_bucket: S3Media) -> None:
    in_bucket.put(KEY, DATA)
    in_bucket.move(KEY, Tier.COLD)
    with pytest.raises(ClientError, match="MethodNotAllowed"):
        in_bucket.bucket.Object(KEY).restore_object(RestoreRequest={"Days": 1})
    assert in_bucket.recall(KEY, Tier.WARM)
    assert in_bucket.read(KEY) == DATA
