"""Whether a message may be said, as far as room, author and text decide it. Pure.

What depends on what was said before (rates, slow mode, repeats) is decided by the room itself: `bus.posting`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from chat import emotes, spam, terms
from chat.bus.layout import REPEAT_MS
from chat.bus.posting import Limits
from chat.emotes import EmoteAt
from chat.errors import (
    Banned,
    EmotesOnly,
    EmptyMessage,
    FollowersOnly,
    Held,
    LinkBlocked,
    MessageTooLong,
    SubscribersOnly,
    TermBlocked,
    TimedOut,
)
from chat.facts import Facts
from chat.standing import FOR_GOOD, NEVER, Standing

MAX_TEXT = 500
"""Code points of a message."""
COUNT, MODERATOR_COUNT = 20, 100
WINDOW_MS = 30_000


def clean(text: str) -> str:
    """A text as it is kept: one line, no control characters, no blanks around.

    Raises EmptyMessage, MessageTooLong.
    """
    kept = "".join(
        " " if letter in "\t\n\r\v\f\x85\u2028\u2029" else letter
        for letter in text
        if letter in "\t\n\r\v\f\x85" or unicodedata.category(letter) not in {"Cc", "Cs", "Co", "Cn"}
    ).strip()
    if not kept or not any(letter.isprintable() and not letter.isspace() for letter in kept):
        raise EmptyMessage
    if len(kept) > MAX_TEXT:
        raise MessageTooLong(MAX_TEXT)
    return kept


def check_ban(standing: Standing, *, now_ms: int) -> None:
    """Raises Banned, TimedOut."""
    if standing.banned_until == FOR_GOOD:
        raise Banned
    if standing.banned_until > now_ms:
        raise TimedOut(retry_ms=standing.banned_until - now_ms)


def judge(text: str, found: Sequence[EmoteAt], *, facts: Facts, standing: Standing, now_ms: int) -> Limits:
    """What a clean text must keep within to be said. Moderators are above all modes and filters, VIPs above modes.

    Args:
        found: the text's emotes.

    Raises:
        Banned, TimedOut, EmotesOnly, SubscribersOnly, FollowersOnly, TermBlocked, LinkBlocked: not here, not now.
        Held: it looks like spam.
    """
    check_ban(standing, now_ms=now_ms)
    if standing.moderates:
        return Limits(count=MODERATOR_COUNT, window_ms=WINDOW_MS, passes_first=True)
    _check_modes(text, found, facts=facts, standing=standing, now_ms=now_ms)
    if terms.blocked(text, facts.terms):
        raise TermBlocked
    if not facts.links_allowed and not standing.vip and terms.has_link(text):
        raise LinkBlocked
    if facts.spam_filter and not standing.vip and spam.score(_without(text, found)) >= spam.HOLD_AT:
        raise Held
    slow = facts.slow_seconds and not standing.vip and not standing.subscribes(now_ms)
    return Limits(
        count=COUNT,
        window_ms=WINDOW_MS,
        slow_ms=facts.slow_seconds * 1000 if slow else 0,
        repeat_ms=REPEAT_MS,
        unique=facts.unique_chat and not standing.vip,
        passes_first=standing.passes_first(now_ms),
    )


def _check_modes(text: str, found: Sequence[EmoteAt], *, facts: Facts, standing: Standing, now_ms: int) -> None:
    if standing.vip:
        return
    if facts.emote_only and not emotes.only_emotes(text, list(found)):
        raise EmotesOnly
    if facts.subscribers_only and not standing.subscribes(now_ms):
        raise SubscribersOnly
    if facts.followers_minutes is not None and not standing.subscribes(now_ms):
        followed = standing.followed_at
        if followed == NEVER or followed + facts.followers_minutes * 60_000 > now_ms:
            raise FollowersOnly(minutes=facts.followers_minutes)


def _without(text: str, found: Sequence[EmoteAt]) -> str:
    """The text less its emotes: ten of them in a row are no spam."""
    kept, at = [], 0
    for emote in found:
        kept.append(text[at : emote.start])
        at = emote.end + 1
    return "".join([*kept, text[at:]]).strip()
