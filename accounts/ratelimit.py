"""How often one person or address may write."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.addresses import owner_of

logger = logging.getLogger(__name__)

P = ParamSpec("P")


class RateLimited(Exception):
    """The limit is reached; the next try may come in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many tries. Please wait {retry_after} seconds.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `count` in each window of `seconds`, counted in the cache, so by all processes together.

    Windows are fixed: around a boundary twice the count can pass, which is fine for guarding against floods.
    """

    name: str
    count: int
    seconds: int

    def spend(self, who: str, *, now: datetime) -> None:
        """Count one try of `who`. While the cache is away nobody is counted: what is limited costs less than an outage.

        Raises:
            RateLimited: it is one too many.
        """
        window, elapsed = divmod(int(now.timestamp()), self.seconds)
        key = f"limit:{self.name}:{window}:{who}"
        try:
            cache.add(key, 0, timeout=self.seconds * 2)
            count = cache.incr(key)
        except RedisError as error:
            logger.warning("the limit %s is not counted: %s", self.name, error)
            return
        if count > self.count:
            raise RateLimited(retry_after=self.seconds - elapsed)


def source(request: HttpRequest) -> str:
    """Who asks: the signed-in user, else the owner of the address, which the server has freed from trusted proxies."""
    if request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return f"address:{owner_of(request.META.get('REMOTE_ADDR', ''))}"


View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def limit_posts(limit: RateLimit) -> Callable[[View[P]], View[P]]:
    """Decorate a view whose POSTs count against `limit`; the page 429 answers those beyond it."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def limited(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method == "POST":
                try:
                    limit.spend(source(request), now=timezone.now())
                except RateLimited as error:
                    return too_many_requests(request, error)
            return view(request, *args, **kwargs)

        return limited

    return decorate


def too_many_requests(request: HttpRequest, error: RateLimited) -> HttpResponse:
    """The page that asks for patience."""
    response = render(request, "429.html", {"retry_after": error.retry_after}, status=429)
    response["Retry-After"] = str(error.retry_after)
    return response
