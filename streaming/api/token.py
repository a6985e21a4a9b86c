"""API tokens in the Authorization header."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from accounts.models import User
from accounts.ratelimit import RateLimit, source
from accounts.services import find_user_by_api_token
from streaming.errors import UnknownToken

WRONG_TOKENS = RateLimit("api-wrong-token", count=10, seconds=60)


class ApiTokenBearer(HttpBearer):
    """`Authorization: Bearer hr_…`: the program acts as the token's user."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        """The token's user.

        Raises:
            UnknownToken: it is nobody's, or was revoked.
            RateLimited: the address tried too many such.
        """
        now = timezone.now()
        user = find_user_by_api_token(text=token, now=now)
        if user is None:
            WRONG_TOKENS.spend(source(request), now=now)
            raise UnknownToken
        return user


def without_token(_request: HttpRequest) -> bool:
    """Lets a request without the header through: it brings a stream key instead."""
    return True
