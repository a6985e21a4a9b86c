"""Every write of channels, stream keys and broadcasts.

The channel's row is the lock: whoever changes its key, its info or its suspension, or begins a broadcast, holds it, so
that none of them acts on what another is just changing. The constraints in `streaming.models` judge the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Greatest

from accounts.models import User
from accounts.secrets import hash_secret, new_secret
from streaming import tickets
from streaming.errors import (
    BroadcastEnded,
    ChannelSuspended,
    KeyRevoked,
    LoginTaken,
    NoRoom,
    Overloaded,
    TicketRefused,
    UnknownCategory,
    UnknownKey,
)
from streaming.media import BroadcastState
from streaming.models import Broadcast, Category, Channel, StreamKey
from streaming.stream_info import clean_tags, clean_title
from streaming.stream_state import tell_changed, tell_closed


class Overload(StrEnum):
    """What can't take another broadcast. Devices still take a partner's: others make way."""

    NO = "no"
    DEVICES = "devices"
    INGEST = "ingest"


PublishEnded = Callable[[UUID], None]
"""Tells the bus, after commit, that the broadcast with this id has ended. It must not raise when the bus is away:
the dispatcher's sweep covers a lost event."""


def create_channel(*, user: User, now: datetime) -> Channel:
    """The user's channel, made if there is none."""
    channel, _ = Channel.objects.get_or_create(user=user, defaults={"created_at": now})
    return channel


def create_missing_channels(*, now: datetime) -> int:
    """Give a channel to every user who has none, as those whom Django's own commands made; answers how many."""
    users = User.objects.filter(channel=None)
    made = Channel.objects.bulk_create(
        [Channel(user=user, created_at=now) for user in users.iterator()], ignore_conflicts=True
    )
    return len(made)


@transaction.atomic
def issue_key(*, channel_id: UUID, now: datetime) -> tuple[StreamKey, str]:
    """Make the channel's stream key; the second value is its text, which nobody can read again.

    The key before it, if any, is revoked: it starts and resumes nothing any more, but a broadcast that is live by it
    goes on until its encoder leaves.
    """
    channel = _locked_channel(channel_id)
    StreamKey.objects.usable().filter(channel=channel).update(revoked_at=now)
    secret = new_secret("live")
    key = StreamKey.objects.create(channel=channel, prefix=secret.prefix, hash=secret.hash, created_at=now)
    return key, secret.text


@transaction.atomic
def revoke_key(*, channel_id: UUID, now: datetime) -> bool:
    """Leave the channel without a key; false when it had none. A live broadcast goes on until its encoder leaves."""
    channel = _locked_channel(channel_id)
    return StreamKey.objects.usable().filter(channel=channel).update(revoked_at=now) == 1


def find_stream_key(*, key: str) -> StreamKey:
    """The usable key with this text, its `channel` and the channel's `user` along. A read, for a door's first check.

    Raises:
        UnknownKey, KeyRevoked, ChannelSuspended: nobody goes live with it.
    """
    found = StreamKey.objects.select_related("channel__user").filter(hash=hash_secret(key)).first()
    if found is None:
        raise UnknownKey
    if found.revoked_at is not None:
        raise KeyRevoked
    if found.channel.suspended or not found.channel.user.is_active:
        raise ChannelSuspended
    return found


def _admit(*, key: str, now: datetime) -> tuple[Channel, StreamKey | None]:
    """The channel that a stream key, or a ticket of the go-live page, opens. Raises KeyRefused."""
    if not key.startswith(tickets.PREFIX):
        stream_key = find_stream_key(key=key)
        return stream_key.channel, stream_key
    channel_id = tickets.read_ticket(key, now=now)
    channel = Channel.objects.select_related("user").filter(pk=channel_id).first() if channel_id else None
    if channel is None:
        raise TicketRefused
    if channel.suspended or not channel.user.is_active:
        raise ChannelSuspended
    return channel, None


@transaction.atomic
def find_or_begin_broadcast(
    *, key: str, ingest: str, now: datetime, has_room: bool = True, overloaded: Overload = Overload.NO
) -> tuple[Broadcast, bool]:
    """The channel's open broadcast, begun now if there is none; the second value is true when it was there before.

    One that was there is answered untouched: its first encoder may be well. Who then wins the bus's publisher token
    calls `resume_broadcast`; who is refused there leaves no trace here. Of any number of callers at once, exactly one
    gets false.

    Args:
        key: the stream key's text as the encoder sent it, or a ticket (`streaming.tickets`).
        ingest: names the caller among all ingest processes and their connections, at most 100 characters.
        now: aware.
        has_room: whether there is memory for another broadcast.
        overloaded: whether there is anybody to ingest and encode another one.

    Raises:
        UnknownKey, KeyRevoked, TicketRefused, ChannelSuspended: nobody goes live with the key.
        NoRoom, Overloaded: there is none to find, and no room for another.
    """
    _locked_channel(_admit(key=key, now=now)[0].pk)
    channel, stream_key = _admit(key=key, now=now)  # again: it may have been revoked while we waited for the lock
    existing = Broadcast.objects.open().filter(channel=channel).select_related("channel__user", "category").first()
    if existing is not None:
        return existing, True
    if not has_room:
        raise NoRoom
    if overloaded is Overload.INGEST or (overloaded is Overload.DEVICES and not channel.partner):
        raise Overloaded
    broadcast = Broadcast.objects.create(
        channel=channel,
        stream_key=stream_key,
        started_at=now,
        ingest=ingest,
        title=channel.title,
        category_id=channel.category_id,
        tags=channel.tags,
    )
    tell_changed(Q(pk=channel.pk), began=True)
    return broadcast, False


def resume_broadcast(*, broadcast_id: UUID, key: str, ingest: str) -> None:
    """Note that `ingest` has the broadcast's encoder now, by `key`: it came back, or another took over. Idempotent.

    Raises:
        BroadcastEnded: it ended meanwhile; begin another.
    """
    resumed = (
        Broadcast.objects.open()
        .filter(pk=broadcast_id)
        .update(
            state=BroadcastState.LIVE,
            reconnecting_since=None,
            ingest=ingest,
            stream_key=StreamKey.objects.filter(hash=hash_secret(key)).values("pk"),
        )
    )
    if resumed == 0:
        raise BroadcastEnded
    tell_changed(Q(broadcasts=broadcast_id))


def mark_reconnecting(*, broadcast_id: UUID, ingest: str, now: datetime) -> bool:
    """Note that the encoder of `ingest` dropped; false when the broadcast isn't live or is another ingest's by now."""
    marked = Broadcast.objects.filter(pk=broadcast_id, state=BroadcastState.LIVE, ingest=ingest).update(
        state=BroadcastState.RECONNECTING, reconnecting_since=now
    )
    if marked:
        tell_changed(Q(broadcasts=broadcast_id))
    return marked == 1


def end_broadcast(*, broadcast_id: UUID, now: datetime, publish: PublishEnded) -> bool:
    """End the broadcast for good; false when it had ended before, so of any number of callers one gets true.

    `publish` is called once, after commit. Ingest lets the encoder go when it hears of it.
    """
    if not _end(Broadcast.objects.open(), broadcast_id, now=now):
        return False
    transaction.on_commit(lambda: publish(broadcast_id))
    return True


def end_waiting_broadcast(*, channel_id: UUID, now: datetime, publish: PublishEnded) -> bool:
    """End the channel's broadcast if its encoder has left, without waiting for it; false when there is none that waits.

    `publish` is called once, after commit.
    """
    waiting = Broadcast.objects.filter(channel=channel_id, state=BroadcastState.RECONNECTING)
    broadcast_id = waiting.values_list("pk", flat=True).first()
    if broadcast_id is None or not _end(waiting, broadcast_id, now=now):
        return False
    transaction.on_commit(lambda: publish(broadcast_id))
    return True


def give_up_broadcast(*, broadcast_id: UUID, ingest: str, now: datetime) -> bool:
    """End a broadcast to which the encoder of `ingest` did not return; false when it did, or came to another ingest.

    Who gets true tells the bus.
    """
    waiting = Broadcast.objects.filter(state=BroadcastState.RECONNECTING, ingest=ingest)
    return _end(waiting, broadcast_id, now=now)


@transaction.atomic
def suspend_channel(*, channel_id: UUID, now: datetime, publish: PublishEnded) -> None:
    """Take the channel off the site: its page and its room go, its broadcast ends, its key starts nothing."""
    channel = _locked_channel(channel_id)
    Channel.objects.filter(pk=channel.pk).update(suspended=True)
    _end_all(channel, now=now, publish=publish)
    tell_closed(channel)


@transaction.atomic
def turn_out(*, user: User, now: datetime, publish: PublishEnded) -> None:
    """Let somebody who is not active any more neither broadcast nor talk on: what they have open ends."""
    channel = create_channel(user=user, now=now)
    _end_all(channel, now=now, publish=publish)
    tell_closed(channel, with_user=True)


def reinstate_channel(*, channel_id: UUID) -> None:
    """Put a suspended channel back on the site."""
    Channel.objects.filter(pk=channel_id).update(suspended=False)


def set_partner(*, channel_id: UUID, partner: bool) -> None:
    """Make the channel a partner of the house, or no longer."""
    Channel.objects.filter(pk=channel_id).update(partner=partner)


@transaction.atomic
def create_streamer(*, login: str, password: str, now: datetime) -> Channel:
    """A new user with a channel, for the shell.

    Raises:
        django.core.exceptions.ValidationError: the login is taken, reserved or of the wrong shape.
    """
    user = User(username=login.lower())
    user.set_password(password)
    user.full_clean()
    user.save()
    return create_channel(user=user, now=now)


@transaction.atomic
def house_channel(*, login: str, now: datetime) -> Channel:
    """The house's own channel of this reserved login, made if there is none. Nobody can sign in to it.

    Raises:
        LoginTaken: a person has the login, from before it was reserved.
    """
    user = User.objects.filter(username=login).first() or User.objects.create_user(login)
    if user.has_usable_password():
        raise LoginTaken(login)
    return create_channel(user=user, now=now)


@transaction.atomic
def set_stream_info(
    *, channel_id: UUID, title: str | None = None, category: str | None = None, tags: Sequence[str] | None = None
) -> Channel:
    """Change what the channel's next broadcast starts with, and its open broadcast if there is one.

    None leaves a field as it is. `category` is a slug or a name in any case; an empty one means none.

    Raises:
        InvalidStreamInfo: title or tags are out of bounds.
        UnknownCategory: no such category.
    """
    changes: dict[str, object] = {}
    if title is not None:
        changes["title"] = clean_title(title)
    if category is not None:
        changes["category"] = _find_category(category)
    if tags is not None:
        changes["tags"] = clean_tags(tags)
    channel = _locked_channel(channel_id)
    if changes:
        Channel.objects.filter(pk=channel.pk).update(**changes)
        Broadcast.objects.open().filter(channel=channel).update(**changes)
        channel.refresh_from_db()
        tell_changed(Q(pk=channel.pk))
    return channel


def _end(broadcasts: QuerySet[Broadcast], broadcast_id: UUID, *, now: datetime) -> bool:
    """End a broadcast, if it is still one of these."""
    ended = broadcasts.filter(pk=broadcast_id).update(
        state=BroadcastState.ENDED,
        # The clock that ends it may be another machine's than the one that began it.
        ended_at=Greatest(F("started_at"), Value(now)),
        reconnecting_since=None,
    )
    if ended:
        tell_changed(Q(broadcasts=broadcast_id))
    return ended == 1


def _end_all(channel: Channel, *, now: datetime, publish: PublishEnded) -> None:
    for broadcast_id in Broadcast.objects.open().filter(channel=channel).values_list("pk", flat=True):
        end_broadcast(broadcast_id=broadcast_id, now=now, publish=publish)


def _locked_channel(channel_id: UUID) -> Channel:
    # NO KEY: rows that refer to the channel may be inserted meanwhile.
    return Channel.objects.select_for_update(no_key=True).get(pk=channel_id)


def _find_category(category: str) -> Category | None:
    wanted = category.strip()
    if not wanted:
        return None
    found = Category.objects.filter(Q(slug=wanted.lower()) | Q(name__iexact=wanted)).first()
    if found is None:
        raise UnknownCategory(wanted)
    return found
