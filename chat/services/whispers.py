"""Words from one person to another, heard in whatever room the other is."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from accounts.ratelimit import RateLimit
from chat import live, rules
from chat.errors import TargetProtected
from chat.models import Block
from streaming.models import Channel

WHISPERS = RateLimit("chat-whisper", count=20, seconds=60)


def whisper(*, channel: Channel, by: User, target: User, text: str, now: datetime) -> None:
    """Says something to one who is in the same room now; nothing is kept.

    Raises TargetProtected (oneself, or who blocks the author), EmptyMessage, MessageTooLong, RateLimited.
    """
    if by.pk == target.pk or Block.objects.filter(user=target, blocked=by).exists():
        raise TargetProtected(target.username)
    WHISPERS.spend(str(by.pk), now=now)
    live.told(
        channel.pk,
        {"type": "whisper", "to": str(target.pk), "from": by.username, "text": rules.clean(text)},
    )
