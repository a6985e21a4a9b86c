"""Files of the storage over HTTP, whole or a range of them (RFC 9110 14)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from vods.storage import media

PIECE = 1024 * 1024
READERS = 32
"""Reads of the storage at once; who comes then waits."""
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `start` up to, not including, `end`."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The range lies behind the file's end."""


def parse_range(header: str, size: int) -> Span | None:
    """The part of a file of `size` bytes that a Range header asks for; None for all of it, as when it is not one range.

    Raises Unsatisfiable.
    """
    asked = _RANGE.fullmatch(header.strip())
    if asked is None or asked.group(1) == asked.group(2) == "":
        return None
    first, last = asked.groups()
    if first == "":
        span = Span(max(0, size - int(last)), size)
    else:
        span = Span(int(first), min(size, int(last) + 1) if last else size)
        if last and int(last) < int(first):
            return None
    if span.start >= span.end:
        raise Unsatisfiable
    return span


class Files:
    """Answers with files of the storage."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(READERS)

    async def answer(self, request: Request, key: str, size: int, headers: Mapping[str, str]) -> Response:
        """The file, or the range of it that is asked for. Raises FileNotFoundError."""
        headers = {**headers, "accept-ranges": "bytes"}
        try:
            asked = parse_range(request.headers.get("range", ""), size)
        except Unsatisfiable:
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
        span = asked or Span(0, size)
        headers["content-length"] = str(span.end - span.start)
        if asked:
            headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{size}"
        status = 206 if asked else 200
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        first = await self._piece(key, span)
        return StreamingResponse(self._pieces(key, span, first), status_code=status, headers=headers)

    async def part(self, key: str, offset: int, size: int) -> bytes:
        """A part of a file, which is held in memory. Raises FileNotFoundError."""
        async with self._places:
            return await asyncio.to_thread(_read, key, offset, size)

    async def whole(self, key: str) -> bytes:
        """All of a small file, at most PIECE bytes of it. Raises FileNotFoundError."""
        return await self._piece(key, Span(0, PIECE))

    async def _pieces(self, key: str, span: Span, piece: bytes) -> AsyncIterator[bytes]:
        at = span.start
        while piece:  # shorter than the database says: the server notices that the answer is not whole
            yield piece
            at += len(piece)
            piece = await self._piece(key, Span(at, span.end))

    async def _piece(self, key: str, span: Span) -> bytes:
        """The first PIECE bytes of the span. It is opened for each, so none stays open whoever goes away."""
        if span.start >= span.end:
            return b""
        async with self._places:
            return await asyncio.to_thread(_read, key, span.start, min(PIECE, span.end - span.start))


def _read(key: str, at: int, size: int) -> bytes:
    return media().read(key, at, size)
