"""Who may do what to whom, asked of PostgreSQL in the transaction that does it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from chat.errors import NotBroadcaster, NotModerator, TargetProtected, UnknownUser
from chat.models import ModAction, Moderator, Room
from chat.standing import Rank
from streaming.models import Channel


def rank(*, channel: Channel, user: User) -> Rank:
    """What a user may do in a channel's room."""
    if channel.user_id == user.pk:
        return Rank.BROADCASTER
    return Rank.MODERATOR if Moderator.objects.filter(channel=channel, user=user).exists() else Rank.VIEWER


def need_moderator(*, channel: Channel, by: User) -> Rank:
    """Raises NotModerator."""
    found = rank(channel=channel, user=by)
    if found < Rank.MODERATOR:
        raise NotModerator
    return found


def need_broadcaster(*, channel: Channel, by: User) -> None:
    """Raises NotBroadcaster."""
    if channel.user_id != by.pk:
        raise NotBroadcaster


def need_above(*, channel: Channel, by: User, target: User) -> None:
    """Whoever acts on somebody must stand above them. Raises NotModerator, TargetProtected."""
    if need_moderator(channel=channel, by=by) <= rank(channel=channel, user=target):
        raise TargetProtected(target.username)


def find_user(login: str) -> User:
    """The active user of a login, with or without @. Raises UnknownUser."""
    name = login.removeprefix("@").lower()
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise UnknownUser(name)
    return found


def room_of(channel: Channel) -> Room:
    """The channel's room, made if there is none, and locked until the transaction ends."""
    Room.objects.get_or_create(channel=channel)
    return Room.objects.select_for_update().get(channel=channel)


def note(
    *,
    room: Room,
    by: User,
    kind: str,
    now: datetime,
    target: User | None = None,
    facts: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
) -> ModAction:
    """Writes an action into the room's log."""
    return ModAction.objects.create(
        room=room, by=by, kind=kind, target=target, facts=facts or {}, before=before or {}, at=now
    )
