"""Reserved logins cover the site's own addresses."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.names import RESERVED


def first_segments(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """The first segment of every address: of all that a resolver holds when its own prefix is empty."""
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver) and "/" not in route:
            yield from first_segments(pattern.url_patterns, route)
        else:
            yield re.split(r"[/?$]", route)[0]


def test_every_first_url_segment_is_a_reserved_login() -> None:
    segments = set(first_segments(get_resolver().url_patterns))
    fixed = {segment for segment in segments if re.fullmatch(r"[a-z_-]+", segment)}
    assert {"admin", "accounts", "api", "dashboard", "directory", "settings", "streams", "healthz"} <= fixed
    assert fixed <= RESERVED
    assert segments - fixed == {"", "<login:login>"}
