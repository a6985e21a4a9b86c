"""Where media lies: files below MEDIA_ROOT, or an S3 bucket, through django-storages; one small interface to both.

Objects are never changed under their names: a name is made from what is put there. So putting twice is harmless, and
whoever reads needs no lock. What is put is hot; `move` has it lie in another tier, under the same name.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, cast
from zlib import crc32

from boto3.s3.transfer import TransferConfig
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from storages.backends.s3 import S3Storage

from vods.models.vod import AT_HAND, Tier
from vods.steps import nothing

ALIAS = "vods"
PIECE = 1024 * 1024
"""Bytes that are held at a time where an object is copied."""
AWAY_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""What lies in these must be restored before it is read or copied."""
COPYING = TransferConfig(multipart_threshold=64 * PIECE, multipart_chunksize=64 * PIECE, use_threads=False)
"""CopyObject ends at 5 GiB, and the server says nothing until it is done; a part is done before its answer is late."""


class ObjectAway(OSError):
    """The object lies where nobody reads it before it was recalled."""


class MoveFailed(OSError):
    """The object is not what it was, or not where it was to be: storage did other than it said."""


class MediaStorage(Protocol):
    """What the app asks of storage. Failures are `OSError` or boto3's `ClientError` and `BotoCoreError`."""

    def put(self, key: str, data: bytes) -> None:
        """Puts an object whole or not at all."""

    def put_file(self, key: str, path: Path) -> None:
        """The same from a file, without holding it in memory; the file is storage's, and gone, afterwards."""

    def read(self, key: str, offset: int = 0, size: int = -1) -> bytes:
        """`size` bytes from `offset`, all the rest if negative. Raises FileNotFoundError, ObjectAway."""

    def read_pieces(self, key: str) -> Iterator[bytes]:
        """The whole object, PIECE by PIECE. Raises FileNotFoundError, ObjectAway."""

    def size(self, key: str) -> int:
        """In bytes. Raises FileNotFoundError."""

    def remove(self, key: str) -> None:
        """Removes an object; one that isn't there is gone already."""

    def remove_all(self, prefix: str) -> int:
        """Removes every object below `prefix`, a folder's name with its slash; answers how many."""

    def recall(self, key: str, tier: Tier) -> bool:
        """Whether the object can be moved to `tier` now. One that is away is asked for, and is readable for some days
        when it has come; asking again does no harm. Raises FileNotFoundError."""

    def move(self, key: str, tier: Tier, check: Callable[[], None] = nothing) -> None:
        """Has the object lie in `tier`, the same bytes under the same name; the old goes when the new is whole.

        One that lies there already stays. `check` is called now and then, and may raise to end it: the object is then
        where it was. Raises FileNotFoundError, ObjectAway, MoveFailed.
        """


def media() -> MediaStorage:
    """The storage that the settings name."""
    return cast("MediaStorage", storages[ALIAS])


class FileMedia(FileSystemStorage):
    """Files below a folder; each appears under its name whole, by a rename.

    Other tiers than hot are folders in there, `warm/`, `cold/` and `archive/`, where other disks may be mounted.
    """

    def put(self, key: str, data: bytes) -> None:
        with self._appearing(key) as file:
            file.write(data)

    def put_file(self, key: str, path: Path) -> None:
        final = Path(self.path(key))
        final.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.chmod(0o644)
        try:
            path.replace(final)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with path.open("rb") as source, self._appearing(key) as target:
                shutil.copyfileobj(source, target, PIECE)
            path.unlink()

    def read(self, key: str, offset: int = 0, size: int = -1) -> bytes:
        with self._found(key) as file:
            file.seek(offset)
            return file.read(size)

    def read_pieces(self, key: str) -> Iterator[bytes]:
        with self._found(key) as file:
            while piece := file.read(PIECE):
                yield piece

    def size(self, key: str) -> int:
        with self._found(key) as file:
            return os.fstat(file.fileno()).st_size

    def remove(self, key: str) -> None:
        for tier in Tier:
            self._place(key, tier).unlink(missing_ok=True)

    def remove_all(self, prefix: str) -> int:
        removed = 0
        for tier in Tier:
            for folder, _, names in os.walk(self._place(prefix, tier), topdown=False):
                for name in names:
                    Path(folder, name).unlink(missing_ok=True)
                    removed += 1
                Path(folder).rmdir()
        return removed

    def recall(self, key: str, tier: Tier) -> bool:  # noqa: ARG002
        self._where(key)
        return True

    def move(self, key: str, tier: Tier, check: Callable[[], None] = nothing) -> None:
        here = self._where(key)
        source, target = self._place(key, here), self._place(key, tier)
        if here != tier:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                source.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                _copy(source, target, check)
        for other in Tier:
            # The old one; or what a move that was killed, or what was put anew since, has left behind.
            if other != tier:
                self._place(key, other).unlink(missing_ok=True)

    def _place(self, key: str, tier: Tier) -> Path:
        return Path(self.path(key if tier == Tier.HOT else f"{tier.value}/{key}"))

    def _where(self, key: str) -> Tier:
        """Its tier: the hottest, should there be several, since what is put is hot. Raises FileNotFoundError."""
        for tier in Tier:
            if self._place(key, tier).exists():
                return tier
        raise FileNotFoundError(f"no object {key}")

    def _found(self, key: str) -> IO[bytes]:
        # A second look finds what has moved up between two looks of the first.
        for tier in (*Tier, *Tier):
            with suppress(FileNotFoundError):
                return self._place(key, tier).open("rb")
        raise FileNotFoundError(f"no object {key}")

    def _appearing(self, key: str) -> _AppearingFile:
        return _AppearingFile(Path(self.path(key)))


def _copy(source: Path, target: Path, check: Callable[[], None]) -> None:
    """Copies to another file system, and reads the copy back before it appears. Raises MoveFailed."""
    with source.open("rb") as whole, _AppearingFile(target) as copy:
        put = 0
        while piece := whole.read(PIECE):
            check()
            put = crc32(piece, put)
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
        # What was just written would be read from memory, not from the disk.
        os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        copy.seek(0)
        got = 0
        while piece := copy.read(PIECE):
            check()
            got = crc32(piece, got)
        if got != put:
            raise MoveFailed(f"{target} reads other than it was written")


class _AppearingFile:
    """A file that is there, and on the disk, when its block ends well, and isn't when it doesn't."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> IO[bytes]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.NamedTemporaryFile(dir=self._path.parent, prefix=".", delete=False)
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        temporary = Path(self._file.name)
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                temporary.chmod(0o644)
                temporary.replace(self._path)
        finally:
            self._file.close()
            temporary.unlink(missing_ok=True)


class S3Media(S3Storage):  # type: ignore[misc]
    """A bucket, at AWS or wherever `endpoint_url` says. Tiers are its storage classes."""

    def put(self, key: str, data: bytes) -> None:
        self.bucket.Object(key).put(Body=data)

    def put_file(self, key: str, path: Path) -> None:
        # In several parts from 8 MiB on; S3 shows the object when the last one is there.
        self.bucket.upload_file(str(path), key)
        path.unlink()

    def read(self, key: str, offset: int = 0, size: int = -1) -> bytes:
        if size == 0:
            return b""
        # Of an empty object there is no range.
        whole = offset == 0 and size < 0
        span = {} if whole else {"Range": f"bytes={offset}-{offset + size - 1 if size > 0 else ''}"}
        found: bytes = self._get(key, **span)["Body"].read()
        return found

    def read_pieces(self, key: str) -> Iterator[bytes]:
        yield from self._get(key)["Body"].iter_chunks(PIECE)

    def size(self, key: str) -> int:
        found: int = self._head(key)["ContentLength"]
        return found

    def remove(self, key: str) -> None:
        self.bucket.Object(key).delete()

    def remove_all(self, prefix: str) -> int:
        # A thousand at a time, as the API has it.
        answers = self.bucket.objects.filter(Prefix=prefix).delete()
        failed = [error for answer in answers for error in answer.get("Errors", [])]
        if failed:
            raise OSError(f"{len(failed)} objects below {prefix} were not removed: {failed[0]}")
        return sum(len(answer.get("Deleted", [])) for answer in answers)

    def recall(self, key: str, tier: Tier) -> bool:
        head = self._head(key)
        if _class_of(head) not in AWAY_CLASSES or _class_of(head) == self._class(tier):
            return True
        if "Restore" in head:
            return 'ongoing-request="false"' in head["Restore"]
        # The slowest way costs nothing, or next to it: who is put into a colder tier has time.
        job = {"Tier": settings.S3_RESTORE_TIER if tier in AT_HAND else "Bulk"}
        try:
            self.bucket.Object(key).restore_object(
                RestoreRequest={"Days": settings.S3_RESTORE_DAYS, "GlacierJobParameters": job}
            )
        except self.connection.meta.client.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            if code in {"MethodNotAllowed", "NotImplemented"}:
                return True  # to a server without RestoreObject classes are labels: it keeps nothing away
            if code != "RestoreAlreadyInProgress":
                raise
        return False

    def move(self, key: str, tier: Tier, check: Callable[[], None] = nothing) -> None:
        before = self._head(key)
        wanted = self._class(tier)
        if _class_of(before) == wanted:
            return
        # In its place: S3 shows the copy when all of it is there, and drops the old one with that.
        try:
            self.bucket.copy(
                {"Bucket": self.bucket.name, "Key": key},
                key,
                ExtraArgs={"StorageClass": wanted, "MetadataDirective": "REPLACE"},
                Callback=lambda _count: check(),
                Config=COPYING,
            )
        except self.connection.meta.client.exceptions.ClientError as error:
            raise _told(key, error) from error
        after = self._head(key)
        if (_class_of(after), after["ContentLength"]) != (wanted, before["ContentLength"]):
            raise MoveFailed(f"{key} is in {_class_of(after)} and has {after['ContentLength']} bytes")

    def _class(self, tier: Tier) -> str:
        classes: dict[str, str] = settings.S3_CLASSES
        return classes[tier.value]

    def _head(self, key: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.connection.meta.client.head_object(Bucket=self.bucket.name, Key=key)
        except self.connection.meta.client.exceptions.ClientError as error:
            raise _told(key, error) from error
        return found

    def _get(self, key: str, **options: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.bucket.Object(key).get(**options)
        except self.connection.meta.client.exceptions.ClientError as error:
            raise _told(key, error) from error
        return found


def _class_of(head: dict[str, Any]) -> str:
    return str(head.get("StorageClass", "STANDARD"))


def _told(key: str, error: Any) -> Exception:
    """What the error means in this module's words, else the error."""
    code = error.response["Error"]["Code"]
    if code in {"404", "NoSuchKey"}:
        return FileNotFoundError(f"no object {key}")
    if code in {"InvalidObjectState", "ObjectNotInActiveTierError"}:
        return ObjectAway(f"{key} is in cold storage")
    found: Exception = error
    return found
