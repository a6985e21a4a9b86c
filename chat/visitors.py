"""Who opens a socket: by the session's cookie, or by an API token."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from types import SimpleNamespace
from typing import cast

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.utils import timezone

from accounts.services import find_user_by_api_token

Headers = Iterable[tuple[bytes, bytes]]


async def signed_in(headers: Headers) -> str:
    """The id of the user that a WebSocket's headers prove, empty for nobody.

    Channels' own middleware would keep a session, a user and three copies of the scope for as long as the socket
    lives; here it is one hop to a thread, and only for those who bring a cookie or a token.
    """
    token = session = ""
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            token = value[7:].decode("latin-1").strip()
        elif name == b"cookie":
            session = parse_cookie(value.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
    if token:
        return str(await database_sync_to_async(_user_of_token)(token))
    return str(await database_sync_to_async(_user_of_session)(session)) if session else ""


def _user_of_token(token: str) -> str:
    user = find_user_by_api_token(text=token, now=timezone.now())
    return str(user.pk) if user else ""


def _user_of_session(key: str) -> str:
    engine = import_module(settings.SESSION_ENGINE)
    # All that Django's check of a session (its hash too) asks of a request.
    request = cast("HttpRequest", SimpleNamespace(session=engine.SessionStore(key)))
    user = get_user(request)
    return str(user.pk) if user.is_authenticated and user.is_active else ""
