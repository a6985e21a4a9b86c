"""Who opens a socket: by the session's cookie, or by an API token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.services import find_user_by_api_token
from chat import origin, people
from chat.models import Block
from chat.standing import Standing

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody brings to a room, or with `room` empty to none: a session's key, or an API token.

    Channels' own middleware would keep a session, a user and three copies of the scope for as long as the socket lives,
    and look each up by itself, which PostgreSQL does not bear in a storm of reconnects.
    """

    room: str
    session: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has signed in. `standing` is as it was on arrival, `blocked` has the ids of whom they don't hear."""

    user: str
    standing: Standing
    blocked: list[str] = field(default_factory=list)


def proof(room: str, headers: Headers) -> Proof | None:
    """What a WebSocket's headers bring, None for nothing."""
    token = session = ""
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            token = value[7:].decode("latin-1").strip()
        elif name == b"cookie":
            session = parse_cookie(value.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
    if token:
        return Proof(room, token=token)
    # PostgreSQL takes no NUL in a question, and a quoted cookie may have one.
    return Proof(room, session=session) if session and "\0" not in session else None


def from_our_pages(headers: Headers) -> bool:
    """Whether the page that opens a WebSocket is ours; Host is checked too, against rebound names."""
    given = dict(headers)
    host = given.get(b"host", b"").decode("latin-1")
    sent = given.get(b"origin")
    domain, _ = split_domain_port(host)
    return validate_host(domain, settings.ALLOWED_HOSTS) and origin.allowed(
        sent.decode("latin-1") if sent is not None else None, host=host, trusted=settings.CSRF_TRUSTED_ORIGINS
    )


def users(proofs: Sequence[Proof]) -> dict[Proof, User]:
    """Whose these are, in a few queries for all; a proof of nobody is left out."""
    sessions = {one: _session(one.session) for one in proofs if one.session}
    ids = {pk for session in sessions.values() if (pk := _user_id(session)) is not None}
    known: Mapping[UUID | None, User] = User.objects.filter(is_active=True).in_bulk(ids)
    found: dict[Proof, User] = {}
    for one in proofs:
        user = (
            find_user_by_api_token(text=one.token, now=timezone.now())
            if one.token
            else _proven(sessions[one], known.get(_user_id(sessions[one])))
        )
        if user is not None:
            found[one] = user
    return found


def look_up(proofs: Sequence[Proof]) -> dict[Proof, Visitor]:
    """Who brings these, in a few queries for all; a proof of nobody is left out."""
    known = users(proofs)
    blocked: dict[UUID, list[str]] = {}
    for pk, other in Block.objects.filter(user__in=set(known.values())).values_list("user_id", "blocked_id"):
        blocked.setdefault(pk, []).append(str(other))
    found = {}
    for room in {one.room for one in known}:
        standings = people.load_standings(room, {known[one] for one in known if one.room == room})
        for one, user in known.items():
            if one.room == room:
                found[one] = Visitor(str(user.pk), standings[str(user.pk)], blocked.get(user.pk, []))
    return found


def _session(key: str) -> dict[str, Any]:
    engine = import_module(settings.SESSION_ENGINE)
    session: dict[str, Any] = engine.SessionStore(key).load()
    return session


def _user_id(session: Mapping[str, Any]) -> UUID | None:
    try:
        return UUID(session[SESSION_KEY])
    except (KeyError, ValueError):
        return None


def _proven(session: Mapping[str, Any], user: User | None) -> User | None:
    """The user of a session, as `django.contrib.auth.get_user` proves it: its hash dies with a change of password."""
    if user is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    brought = session.get(HASH_SESSION_KEY, "")
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return user if any(constant_time_compare(brought, one) for one in hashes) else None
