"""Reading rooms and standings from PostgreSQL, the truth behind what Valkey keeps."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from accounts.models import User
from chat import colors
from chat.errors import UnknownRoom
from chat.facts import Facts
from chat.models import Ban, Follow, Moderator, Profile, Room, Subscription, Vip
from chat.standing import FOR_GOOD, NEVER, Rank, Standing
from streaming.models import Channel


def unix_ms(at: datetime) -> int:
    """Milliseconds of the Unix epoch."""
    return int(at.timestamp() * 1000)


def at(unix_time_ms: int) -> datetime | None:
    """The moment of a standing's time; None for NEVER and FOR_GOOD."""
    return datetime.fromtimestamp(unix_time_ms / 1000, tz=UTC) if unix_time_ms > 0 else None


def find_channel(login: str) -> Channel:
    """The public channel of a login. Raises UnknownRoom."""
    channel = Channel.objects.public().with_login(login).first()
    if channel is None:
        raise UnknownRoom
    return channel


def load_facts(room_id: str) -> Facts:
    """The facts of a public channel's room. Raises UnknownRoom."""
    channel = Channel.objects.public().select_related("user").filter(pk=UUID(room_id)).first()
    if channel is None:
        raise UnknownRoom
    room = Room.objects.filter(pk=channel.pk).first()
    if room is None:
        return Facts(room=room_id, login=channel.login, emotes={})
    return facts_of(room, login=channel.login)


def facts_of(room: Room, *, login: str) -> Facts:
    """The facts of a room's row as it is."""
    return Facts(
        room=str(room.pk),
        login=login,
        revision=room.revision,
        slow_seconds=room.slow_seconds,
        followers_minutes=room.followers_minutes,
        subscribers_only=room.subscribers_only,
        emote_only=room.emote_only,
        unique_chat=room.unique_chat,
        links_allowed=room.links_allowed,
        spam_filter=room.spam_filter,
        terms=tuple(room.terms.values_list("term", flat=True)),
        emotes={name: str(pk) for pk, name in room.emotes.filter(removed=False).values_list("pk", "name")},
        pinned=room.pinned,
    )


def load_standing(room_id: str, user_id: str) -> Standing:
    """Who a user is in a room. Raises UnknownRoom, or User.DoesNotExist for nobody or one who is not active."""
    return load_standings(room_id, [User.objects.get(pk=UUID(user_id), is_active=True)])[user_id]


def load_standings(room_id: str, users: Collection[User]) -> dict[str, Standing]:
    """Who users are in a room, by their ids; in as many queries for a hundred as for one. Raises UnknownRoom."""
    channel = Channel.objects.filter(pk=UUID(room_id)).first()
    if channel is None:
        raise UnknownRoom
    of_room = {"channel": channel, "user__in": users}
    moderators = set(Moderator.objects.filter(**of_room).values_list("user_id", flat=True))
    vips = set(Vip.objects.filter(**of_room).values_list("user_id", flat=True))
    follows = dict(Follow.objects.filter(**of_room).values_list("user_id", "created_at"))
    subscriptions = dict(Subscription.objects.filter(**of_room).values_list("user_id", "until"))
    bans = dict(Ban.objects.filter(**of_room).values_list("user_id", "until"))
    chosen = dict(Profile.objects.filter(user__in=users).values_list("user_id", "color"))
    standings = {}
    for user in users:
        rank = Rank.MODERATOR if user.pk in moderators else Rank.VIEWER
        standings[str(user.pk)] = Standing(
            user=str(user.pk),
            login=user.username,
            color=chosen.get(user.pk) or colors.default(user.username),
            rank=Rank.BROADCASTER if channel.user_id == user.pk else rank,
            vip=user.pk in vips,
            followed_at=unix_ms(follows[user.pk]) if user.pk in follows else NEVER,
            subscribed_until=_end(subscriptions[user.pk]) if user.pk in subscriptions else NEVER,
            banned_until=_end(bans[user.pk]) if user.pk in bans else NEVER,
        )
    return standings


def load_many_standings(pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Standing]:
    """Who users are in rooms, by `(room, user)`; pairs of a room or an active user that is not there are left out."""
    active = User.objects.filter(is_active=True).in_bulk({UUID(user) for _, user in pairs})
    found: dict[tuple[str, str], Standing] = {}
    for room in {room for room, _ in pairs}:
        users = [active[UUID(user)] for one, user in pairs if one == room and UUID(user) in active]
        with contextlib.suppress(UnknownRoom):
            found |= {(room, user): standing for user, standing in load_standings(room, users).items()}
    return found


def color_of(user: User) -> str:
    """The colour of a user's name."""
    chosen = Profile.objects.filter(pk=user.pk).values_list("color", flat=True).first()
    return chosen or colors.default(user.username)


def _end(until: datetime | None) -> int:
    return unix_ms(until) if until else FOR_GOOD
