"""Where media lies: files below MEDIA_ROOT, or an S3 bucket, through django-storages; one small interface to both.

Objects are never changed under their names: a name is made from what is put there. So putting twice is harmless, and
whoever reads needs no lock.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol, cast

from django.core.files.storage import FileSystemStorage, storages
from storages.backends.s3 import S3Storage

ALIAS = "vods"
PIECE = 1024 * 1024
"""Bytes that are held at a time where an object is copied."""


class MediaStorage(Protocol):
    """What the app asks of storage. Failures are `OSError` or boto3's `ClientError` and `BotoCoreError`."""

    def put(self, key: str, data: bytes) -> None:
        """Puts an object whole or not at all."""

    def put_file(self, key: str, path: Path) -> None:
        """The same from a file, without holding it in memory; the file is storage's, and gone, afterwards."""

    def read(self, key: str, offset: int = 0, size: int = -1) -> bytes:
        """`size` bytes from `offset`, all the rest if negative. Raises FileNotFoundError."""

    def read_pieces(self, key: str) -> Iterator[bytes]:
        """The whole object, PIECE by PIECE. Raises FileNotFoundError."""

    def size(self, key: str) -> int:
        """In bytes. Raises FileNotFoundError."""

    def remove(self, key: str) -> None:
        """Removes an object; one that isn't there is gone already."""

    def remove_all(self, prefix: str) -> int:
        """Removes every object below `prefix`, a folder's name with its slash; answers how many."""


def media() -> MediaStorage:
    """The storage that the settings name."""
    return cast("MediaStorage", storages[ALIAS])


class FileMedia(FileSystemStorage):
    """Files below a folder; each appears under its name whole, by a rename."""

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
        with Path(self.path(key)).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def read_pieces(self, key: str) -> Iterator[bytes]:
        with Path(self.path(key)).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def remove(self, key: str) -> None:
        Path(self.path(key)).unlink(missing_ok=True)

    def remove_all(self, prefix: str) -> int:
        removed = 0
        for folder, _, names in os.walk(self.path(prefix), topdown=False):
            for name in names:
                Path(folder, name).unlink(missing_ok=True)
                removed += 1
            Path(folder).rmdir()
        return removed

    def _appearing(self, key: str) -> _AppearingFile:
        return _AppearingFile(Path(self.path(key)))


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
    """A bucket, at AWS or wherever `endpoint_url` says."""

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
        try:
            found: int = self.bucket.Object(key).content_length
        except self.connection.meta.client.exceptions.ClientError as error:
            raise _missing(key, error) from error
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

    def _get(self, key: str, **options: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.bucket.Object(key).get(**options)
        except self.connection.meta.client.exceptions.ClientError as error:
            raise _missing(key, error) from error
        return found


def _missing(key: str, error: Any) -> Exception:
    """FileNotFoundError where that is what the error means, else the error."""
    if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
        return FileNotFoundError(f"no object {key}")
    found: Exception = error
    return found
