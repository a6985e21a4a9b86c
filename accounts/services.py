"""Every write of accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import ApiToken, User
from accounts.secrets import hash_secret, new_secret

MAX_TOKENS = 20
"""Usable API tokens of one user."""
LAST_USED_STEP = timedelta(minutes=1)
"""A token's last use is written at most this often, so that reads of the API stay reads."""


class AccountError(Exception):
    """Root of what accounts refuse.

    AccountError
    +-- TooManyTokens
    """


class TooManyTokens(AccountError):
    """The user has `limit` usable API tokens already."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit} API tokens already. Revoke one you no longer use.")
        self.limit = limit


@transaction.atomic
def issue_api_token(*, user: User, name: str, now: datetime) -> tuple[ApiToken, str]:
    """Make an API token; the second value is its text, which nobody can read again.

    Raises:
        TooManyTokens: the user holds MAX_TOKENS usable ones.
    """
    User.objects.select_for_update().get(pk=user.pk)  # two requests at once must not pass the bound
    if ApiToken.objects.usable().filter(user=user).count() >= MAX_TOKENS:
        raise TooManyTokens(MAX_TOKENS)
    secret = new_secret("hr")
    token = ApiToken.objects.create(user=user, name=name, prefix=secret.prefix, hash=secret.hash, created_at=now)
    return token, secret.text


def revoke_api_token(*, user: User, token_id: UUID, now: datetime) -> bool:
    """Make one of the user's tokens useless; false when it is not theirs or was revoked before."""
    return ApiToken.objects.filter(pk=token_id, user=user, revoked_at=None).update(revoked_at=now) == 1


def find_user_by_api_token(*, text: str, now: datetime) -> User | None:
    """The active user whom the token stands for, or None. Notes the use, to the minute."""
    token = ApiToken.objects.usable().select_related("user").filter(hash=hash_secret(text)).first()
    if token is None:
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_STEP)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token.user
