"""Rate limits count in windows, per person or address."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from accounts.models import User
from accounts.ratelimit import RateLimit, RateLimited, limit_posts, source

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, 12, 0, 15, tzinfo=UTC)
LIMIT = RateLimit("test", count=2, seconds=60)


def test_what_is_one_too_many_is_refused_until_the_window_ends() -> None:
    LIMIT.spend("alice", now=NOW)
    LIMIT.spend("alice", now=NOW)
    with pytest.raises(RateLimited) as refused:
        LIMIT.spend("alice", now=NOW)
    assert refused.value.retry_after == 45
    LIMIT.spend("alice", now=NOW + timedelta(seconds=45))


def test_each_is_counted_alone() -> None:
    for who in ("alice", "alice", "bob", "bob"):
        LIMIT.spend(who, now=NOW)


def test_nobody_is_refused_while_the_cache_is_away(settings: Settings) -> None:
    away = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///nowhere/valkey.sock"}
    settings.CACHES = {"default": away}
    for _ in range(3):
        LIMIT.spend("alice", now=NOW)


def test_a_signed_in_user_is_the_source_else_the_address() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.user = AnonymousUser()
    assert source(request) == "address:192.0.2.7"
    request.user = User.objects.create_user("alice")
    assert source(request) == f"user:{request.user.pk}"


def test_all_addresses_of_an_ipv6_subscriber_are_one_source() -> None:
    requests = [RequestFactory().get("/", REMOTE_ADDR=f"2001:db8:1:2::{n}") for n in (1, 2)]
    for request in requests:
        request.user = AnonymousUser()
    assert source(requests[0]) == source(requests[1])


@pytest.fixture
def ask() -> Callable[[str], HttpResponse]:
    """Asks a view that takes one POST an hour."""
    limited = limit_posts(RateLimit("view", count=1, seconds=3600))(lambda _request: HttpResponse("done"))

    def ask(method: str) -> HttpResponse:
        request: HttpRequest = RequestFactory().generic(method, "/")
        request.user = AnonymousUser()
        return limited(request)

    return ask


def test_a_view_answers_429_beyond_its_limit(ask: Callable[[str], HttpResponse]) -> None:
    assert ask("POST").status_code == 200
    refused = ask("POST")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert b"Slowly, please" in refused.content


def test_reading_is_not_limited(ask: Callable[[str], HttpResponse]) -> None:
    ask("POST")
    assert ask("GET").status_code == 200
