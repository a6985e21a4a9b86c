"""Who asks an operation, and how often they may."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from ninja.security import SessionAuth

from accounts.addresses import owner_of
from accounts.models import User
from accounts.ratelimit import RateLimit
from streaming.api.schemas import Failure
from streaming.api.token import ApiTokenBearer
from vods import audience
from vods.access import may_manage
from vods.models import Clip, Vod

READS = RateLimit("vod-read", count=600, seconds=60)
WRITES = RateLimit("vod-write", count=120, seconds=60)
BEATS = RateLimit("vod-watching", count=120, seconds=60)

REFUSALS = {401: Failure, 403: Failure, 404: Failure, 409: Failure, 422: Failure, 429: Failure}


def anybody(_request: HttpRequest) -> User | AnonymousUser:
    """Lets everybody through who has shown no token and is not signed in."""
    return AnonymousUser()


visitor = [ApiTokenBearer(), SessionAuth(), anybody]
member = [ApiTokenBearer(), SessionAuth()]


def asks(request: HttpRequest) -> User | AnonymousUser:
    """Who an operation is asked by."""
    user = request.auth  # type: ignore[attr-defined]  # what `auth` of the operation answered
    assert isinstance(user, User | AnonymousUser)
    return user


def is_new_viewer(request: HttpRequest, watched: Vod | Clip, viewer: str) -> bool:
    """Whether this viewer is one more; the streamer's own looks are no views."""
    own = may_manage(channel=watched.channel, user=asks(request))
    address = owner_of(request.META.get("REMOTE_ADDR", ""))
    return not own and audience.is_new_viewer(watched.pk, viewer, address=address)


def member_of(request: HttpRequest) -> User:
    """The member by whom an operation for `member` is asked."""
    user = asks(request)
    assert isinstance(user, User)
    return user
