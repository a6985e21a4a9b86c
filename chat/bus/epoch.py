"""The name of a room's numbering: it changes when the room's Valkey has lost its memory."""

from __future__ import annotations

import secrets


def fresh_epoch() -> str:
    """A name for a room that has none: 60 random bits as 15 hexadecimal digits."""
    return secrets.token_hex(8)[:15]
