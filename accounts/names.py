"""What a login may be: it is the first segment of its channel's URL, so it must never shadow a page."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

MIN_LENGTH = 4
MAX_LENGTH = 25
PATTERN = r"[a-z0-9_]{4,25}"

PAGES = frozenset(
    {
        # Every first URL segment; a test walks the URLconf and fails when one is missing here.
        "accounts",
        "admin",
        "api",
        "clips",
        "dashboard",
        "directory",
        "following",
        "healthz",
        "metrics",
        "overlay",
        "popout",
        "readyz",
        "search",
        "settings",
        "static",
        "streams",
        "videos",
        "vods",
        # Segments that later parts of the site, or the files browsers and crawlers ask for by themselves, need.
        "about",
        "apple-touch-icon",
        "chat",
        "embed",
        "favicon",
        "flower",
        "help",
        "home",
        "humans",
        "irc",
        "live",
        "login",
        "logout",
        "media",
        "popular",
        "privacy",
        "robots",
        "rtmp",
        "signup",
        "sitemap",
        "srt",
        "terms",
        "well-known",
        "whep",
        "whip",
    }
)
"""Names that are, or may become, the first segment of an address of the site."""

HOUSE = frozenset(
    {
        # The house's own channel, of `manage.py demo`.
        "demo",
        # Names that would pass for the house.
        "administrator",
        "anonymous",
        "headrace",
        "moderator",
        "root",
        "staff",
        "support",
        "system",
    }
)
"""Names that nobody signs up with, though a channel of the house may have one."""

RESERVED = PAGES | HOUSE

validate_shape = RegexValidator(
    rf"\A{PATTERN}\Z",
    f"Use {MIN_LENGTH} to {MAX_LENGTH} characters: small letters a to z, digits and the underscore.",
    code="shape",
)


def validate_not_reserved(login: str) -> None:
    """Refuse a login that is, or may become, a page of the site, or would pass for the house.

    Raises:
        ValidationError: the login is reserved.
    """
    if login.lower() in RESERVED:
        raise ValidationError("This name is kept for the site itself. Please choose another.", code="reserved")
