"""Which pages may open a WebSocket here. Pure."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit


def allowed(origin: str | None, *, host: str, trusted: Collection[str]) -> bool:
    """Whether a page of `origin` may connect to `host` (RFC 6455, 10.2).

    Browsers always send Origin, and cookies with it; a program sends neither, so none is no danger.

    Args:
        host: the request's Host header. trusted: other origins, as `https://example.com`.
    """
    if origin is None:
        return True
    if origin in trusted:
        return True
    given = urlsplit(origin)
    return given.scheme in {"http", "https"} and given.netloc.lower() == host.lower()
