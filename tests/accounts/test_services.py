"""API tokens: issued, used, revoked, bounded."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import services
from accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def test_a_token_finds_its_user(alice: User) -> None:
    _, text = services.issue_api_token(user=alice, name="bot", now=NOW)
    assert services.find_user_by_api_token(text=text, now=NOW) == alice


def test_a_token_is_kept_only_as_a_hash(alice: User) -> None:
    token, text = services.issue_api_token(user=alice, name="bot", now=NOW)
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert text not in str(row)
    assert text.startswith(row["prefix"])
    assert len(text) - len("hr_") == 40  # 200 bits in base32


def test_a_revoked_token_finds_nobody(alice: User) -> None:
    token, text = services.issue_api_token(user=alice, name="bot", now=NOW)
    assert services.revoke_api_token(user=alice, token_id=token.pk, now=NOW)
    assert services.find_user_by_api_token(text=text, now=NOW) is None


def test_revoking_twice_says_so(alice: User) -> None:
    token, _ = services.issue_api_token(user=alice, name="bot", now=NOW)
    services.revoke_api_token(user=alice, token_id=token.pk, now=NOW)
    assert not services.revoke_api_token(user=alice, token_id=token.pk, now=NOW)


def test_nobody_revokes_anothers_token(alice: User) -> None:
    token, text = services.issue_api_token(user=alice, name="bot", now=NOW)
    assert not services.revoke_api_token(user=User.objects.create_user("mallory"), token_id=token.pk, now=NOW)
    assert services.find_user_by_api_token(text=text, now=NOW) == alice


def test_the_token_of_an_inactive_user_finds_nobody(alice: User) -> None:
    _, text = services.issue_api_token(user=alice, name="bot", now=NOW)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert services.find_user_by_api_token(text=text, now=NOW) is None


def test_a_use_is_noted_once_a_minute(alice: User) -> None:
    token, text = services.issue_api_token(user=alice, name="bot", now=NOW)
    for seconds, noted in ((0, 0), (59, 0), (61, 61)):
        services.find_user_by_api_token(text=text, now=NOW + timedelta(seconds=seconds))
        token.refresh_from_db()
        assert token.last_used_at == NOW + timedelta(seconds=noted)


def test_tokens_are_bounded_until_one_is_revoked(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_TOKENS", 2)
    first, _ = services.issue_api_token(user=alice, name="1", now=NOW)
    services.issue_api_token(user=alice, name="2", now=NOW)
    with pytest.raises(services.TooManyTokens, match="2 API tokens"):
        services.issue_api_token(user=alice, name="3", now=NOW)
    services.revoke_api_token(user=alice, token_id=first.pk, now=NOW)
    services.issue_api_token(user=alice, name="3", now=NOW)
