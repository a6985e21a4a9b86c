"""Tickets: what the go-live page shows ingest in place of a stream key, which nobody can read again.

A ticket is signed by the site, names a channel and is good for a minute, to begin with or to return by. It stands
for the streamer's sign-in, so replacing the stream key doesn't touch it; a suspended channel gets nowhere with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core.signing import BadSignature, Signer

LIFE = timedelta(seconds=60)
PREFIX = "golive_"
# Of a bearer token's letters (RFC 6750 2.1), and of none of the parts'.
SEPARATOR = "."


def issue_ticket(channel_id: UUID, *, now: datetime) -> str:
    """A ticket for the channel."""
    return _signer().sign(f"{PREFIX}{channel_id.hex}-{int((now + LIFE).timestamp())}")


def read_ticket(text: str, *, now: datetime) -> UUID | None:
    """The channel of a ticket that is good now; None for anything else."""
    try:
        body = _signer().unsign(text)
    except BadSignature:
        return None
    channel, _, until = body.removeprefix(PREFIX).partition("-")
    return UUID(channel) if now.timestamp() < int(until) else None


def _signer() -> Signer:
    return Signer(salt="streaming.tickets", sep=SEPARATOR)
