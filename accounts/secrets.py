"""Secrets shown once and kept as hashes: API tokens and stream keys."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

RANDOM_BYTES = 25
"""200 random bits: no salt or slow hash is needed, nobody guesses them (OWASP asks for 64 bits or more)."""
PREFIX_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Secret:
    """A fresh secret: `text` goes to its owner, `prefix` and `hash` to the database."""

    text: str
    prefix: str
    hash: str


def new_secret(label: str) -> Secret:
    """Draw `label_` and 40 letters and digits, which a double click selects whole."""
    text = f"{label}_{base64.b32encode(secrets.token_bytes(RANDOM_BYTES)).decode().lower()}"
    return Secret(text=text, prefix=text[:PREFIX_LENGTH], hash=hash_secret(text))


def hash_secret(text: str) -> str:
    """SHA-256 of a secret as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
