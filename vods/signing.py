"""Signed, expiring addresses of media: `?token=<expiry>.<mac>` opens all media of one VOD or clip until it expires.

A token is made for a subject under its present visibility: whoever makes a VOD private shuts every address that was
handed out before. Expiries are rounded up, so within an hour everybody gets the same addresses, which caches can share.
"""

from __future__ import annotations

from datetime import datetime
from hmac import compare_digest
from uuid import UUID

from django.utils.crypto import salted_hmac

TTL_S = 6 * 3_600
"""How long a token opens media, at the least. A player that outlives it asks for another."""
ROUND_S = 3_600
_SALT = "vods.signing"
_DIGITS = 12


def sign(subject: UUID, visibility: str, *, now: datetime) -> str:
    """A token for the media of `subject`, as long as its visibility is this one."""
    expiry = -(-(int(now.timestamp()) + TTL_S) // ROUND_S) * ROUND_S
    return f"{expiry}.{_mac(subject, visibility, expiry)}"


def verify(token: str, subject: UUID, visibility: str, *, now: datetime) -> bool:
    """Whether the token opens the media of `subject` now, its visibility being this one."""
    expiry, _, mac = token.partition(".")
    if not (expiry.isascii() and expiry.isdigit() and len(expiry) <= _DIGITS and mac.isascii()):
        return False
    return int(expiry) > now.timestamp() and compare_digest(mac, _mac(subject, visibility, int(expiry)))


def _mac(subject: UUID, visibility: str, expiry: int) -> str:
    return salted_hmac(_SALT, f"{subject}:{visibility}:{expiry}", algorithm="sha256").hexdigest()
