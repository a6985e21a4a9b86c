"""A room's modes, terms, pinned message, announcements and raids."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.ratelimit import RateLimit
from chat import live, people
from chat.errors import AlreadySo, BadArguments, TargetProtected, UnknownMessage
from chat.models import MAX_TERM, MAX_TERMS, BlockedTerm, ModAction, Room
from chat.services.authority import need_moderator, note, room_of
from chat.standing import FOR_GOOD
from streaming.models import Channel

RAIDS = RateLimit("chat-raid", count=10, seconds=600)
"""Of one channel."""
SLOW_SECONDS = range(3, 121)
FOLLOWERS_MINUTES = range(129_601)
MODES = (
    "slow_seconds",
    "followers_minutes",
    "subscribers_only",
    "emote_only",
    "unique_chat",
    "links_allowed",
    "spam_filter",
)


@transaction.atomic
def set_modes(*, channel: Channel, by: User, now: datetime, **modes: Any) -> ModAction:
    """Changes some of MODES.

    Raises NotModerator, BadArguments (out of range), AlreadySo (nothing would change).
    """
    need_moderator(channel=channel, by=by)
    _check_ranges(modes)
    room = room_of(channel)
    before = {name: getattr(room, name) for name in modes if getattr(room, name) != modes[name]}
    if not before:
        raise AlreadySo("The room is in this mode already.")
    for name in before:
        setattr(room, name, modes[name])
    _save(room, channel=channel, by=by, fields=list(before))
    facts = {name: modes[name] for name in before}
    return note(room=room, by=by, kind=ModAction.Kind.MODE, facts=facts, before=before, now=now)


def restore_modes(*, room: Room, channel: Channel, by: User, modes: dict[str, Any]) -> None:
    """Sets modes back to what they were; within the caller's transaction, which holds the room."""
    for name, value in modes.items():
        setattr(room, name, value)
    _save(room, channel=channel, by=by, fields=list(modes))


@transaction.atomic
def add_term(*, channel: Channel, by: User, term: str, now: datetime) -> BlockedTerm:
    """Blocks words in the room; `*` stands for any letters. Raises NotModerator, BadArguments, AlreadySo."""
    need_moderator(channel=channel, by=by)
    words = " ".join(term.split())
    if len(words.replace("*", "")) < 2 or len(words) > MAX_TERM:
        raise BadArguments(f"a term of 2 to {MAX_TERM} characters, * for any letters")
    room = room_of(channel)
    if room.terms.count() >= MAX_TERMS:
        raise AlreadySo(f"The room blocks {MAX_TERMS} terms already.")
    try:
        with transaction.atomic():
            added = BlockedTerm.objects.create(room=room, term=words, created_at=now)
    except IntegrityError:
        raise AlreadySo("The room blocks this already.") from None
    _save(room, channel=channel, by=by, fields=[])
    note(room=room, by=by, kind=ModAction.Kind.TERM, facts={"term": words}, now=now)
    return added


@transaction.atomic
def remove_term(*, channel: Channel, by: User, term_id: int, now: datetime) -> None:
    """Allows words again. Raises NotModerator, AlreadySo."""
    need_moderator(channel=channel, by=by)
    room = room_of(channel)
    found = room.terms.filter(pk=term_id).first()
    if found is None:
        raise AlreadySo("The room does not block this.")
    found.delete()
    _save(room, channel=channel, by=by, fields=[])
    note(room=room, by=by, kind=ModAction.Kind.UNTERM, facts={"term": found.term}, now=now)


@transaction.atomic
def pin(*, channel: Channel, by: User, message_id: str, now: datetime) -> None:
    """Pins a message above the room, or with an empty id unpins. Raises NotModerator, UnknownMessage, AlreadySo."""
    need_moderator(channel=channel, by=by)
    room = room_of(channel)
    if message_id:
        found = live.find_record(channel.pk, message_id)
        record: dict[str, Any] = json.loads(found) if found else {}
        if record.get("type") != "message":
            raise UnknownMessage
        room.pinned = {"id": record["id"], "login": record["user"]["login"], "text": record["text"]}
    elif room.pinned is None:
        raise AlreadySo("Nothing is pinned.")
    else:
        room.pinned = None
    _save(room, channel=channel, by=by, fields=["pinned"])
    note(room=room, by=by, kind=ModAction.Kind.PIN, facts={"pinned": room.pinned}, now=now)


def unpin_what_goes(*, channel: Channel, by: User, message_id: str = "", login: str = "") -> None:
    """Unpins a message that is taken away, or whatever somebody said; within the caller's transaction."""
    room = room_of(channel)
    if room.pinned and (room.pinned["id"] == message_id.lower() or room.pinned["login"] == login):
        room.pinned = None
        _save(room, channel=channel, by=by, fields=["pinned"])


@transaction.atomic
def note_announcement(*, channel: Channel, by: User, text: str, now: datetime) -> None:
    """Notes that an announcement is made; the caller says it. Raises NotModerator."""
    need_moderator(channel=channel, by=by)
    note(room=room_of(channel), by=by, kind=ModAction.Kind.ANNOUNCE, facts={"text": text}, now=now)


@transaction.atomic
def raid(*, channel: Channel, by: User, target: Channel, viewers: int, now: datetime) -> None:
    """Sends the viewers' pages to another channel, whose room is told who comes.

    Raises NotModerator, TargetProtected (the channel itself, or one that has banned the broadcaster), RateLimited.
    """
    need_moderator(channel=channel, by=by)
    banned = people.load_standings(str(target.pk), [channel.user])[str(channel.user_id)].banned_until
    if target.pk == channel.pk or banned == FOR_GOOD or banned > people.unix_ms(now):
        raise TargetProtected(target.login)
    RAIDS.spend(str(channel.pk), now=now)
    note(room=room_of(channel), by=by, kind=ModAction.Kind.RAID, facts={"to": target.login}, now=now)
    leaving = {"type": "raid", "to": target.login, "from": channel.login, "viewers": viewers}
    transaction.on_commit(lambda: live.told(channel.pk, leaving))
    transaction.on_commit(lambda: live.happened(target.pk, leaving))


def touch(room: Room, *, channel: Channel, by: User) -> None:
    """Tells the room that something of it changed that has no column of its own (terms, emotes)."""
    _save(room, channel=channel, by=by, fields=[])


def _save(room: Room, *, channel: Channel, by: User, fields: list[str]) -> None:
    room.revision += 1  # the caller holds the row
    room.save(update_fields=[*fields, "revision"])
    facts = people.facts_of(room, login=channel.login)
    transaction.on_commit(lambda: live.facts_changed(facts, by=by.username))


def _check_ranges(modes: dict[str, Any]) -> None:
    slow = modes.get("slow_seconds", 0)
    if slow and slow not in SLOW_SECONDS:
        raise BadArguments("/slow [seconds, 3 to 120]")
    minutes = modes.get("followers_minutes")
    if minutes is not None and minutes not in FOLLOWERS_MINUTES:
        raise BadArguments("/followers [30m, 2h, 7d …, at most 90d]")
