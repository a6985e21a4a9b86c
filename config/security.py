"""What browsers are told to refuse on the site's pages, and what these refuse themselves.

No page has a script or a handler in its HTML, so the policy needs no nonces; a test reads the templates for them.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.views.defaults import bad_request

from streaming.addresses import whip_url

RULES = (
    "default-src 'self'",
    # Every script is a file of ours: what somebody smuggles into a page doesn't run.
    "script-src 'self'",
    # The player's controls carry <style> in their shadow roots, so does the API's page.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    # hls.js plays from memory, and unpacks in a worker of its own text.
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
POLICY = "; ".join(RULES)
CONNECTS: dict[str, Callable[[HttpRequest], str]] = {"streaming:go_live": whip_url}
"""Views whose page speaks to another origin, and to which URL."""
# Going live from the browser wants these three; nothing here wants the rest.
FEATURES = (
    "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=(), serial=(), hid=()"
)


def policy(request: HttpRequest) -> str:
    """The policy of the page that was asked for."""
    match = request.resolver_match
    reached = CONNECTS.get(match.view_name) if match else None
    if reached is None:
        return POLICY
    scheme, host, *_ = urlsplit(reached(request))
    return f"{POLICY}; connect-src 'self' {scheme}://{host}"


class ContentSecurityPolicy:
    """Middleware: sends the policy (CSP Level 3), and Permissions-Policy, with every answer that brings none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(request))
        response.headers.setdefault("Permissions-Policy", FEATURES)
        return response


class NoNul:
    """Middleware: answers 400 to an address or a cookie with NUL in it: PostgreSQL takes none in a question."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A cookie may have it in octal (RFC 2109's quotes, which Django reads).
        if "%00" in request.META["QUERY_STRING"] or any(
            "\0" in text for text in (request.path, *request.COOKIES.values())
        ):
            return bad_request(request, ValueError("NUL"))
        return self.get_response(request)
