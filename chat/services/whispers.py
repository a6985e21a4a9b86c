"""Words from one person to another, heard by nobody else and in whatever room the other is."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from accounts.ratelimit import RateLimit
from chat import live, rules
from chat.errors import Away, TargetProtected
from chat.models import Block

WHISPERS = RateLimit("chat-whisper", count=20, seconds=60)


def whisper(*, by: User, target: User, text: str, now: datetime) -> None:
    """Says something to one who is in some room now; nothing is kept.

    Raises TargetProtected (oneself, or who blocks the author), Away, EmptyMessage, MessageTooLong, RateLimited,
    ChatUnavailable.
    """
    text = rules.clean(text)
    if by.pk == target.pk or Block.objects.filter(user=target, blocked=by).exists():
        raise TargetProtected(target.username)
    WHISPERS.spend(str(by.pk), now=now)
    if not live.told_person(target.pk, {"type": "whisper", "from": by.username, "text": text}):
        raise Away(target.username)
