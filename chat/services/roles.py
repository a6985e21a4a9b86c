"""Roles, follows, subscriptions, blocks and colours."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from chat import colors, live
from chat.errors import AlreadySo, BadArguments, TargetProtected
from chat.models import Block, Follow, ModAction, Moderator, Profile, Subscription, Vip
from chat.services.authority import need_broadcaster, note, room_of
from streaming.models import Channel

MAX_BLOCKS = 1_000


def follow(*, channel: Channel, user: User, now: datetime) -> bool:
    """The user follows the channel; false when they did before.

    Raises TargetProtected: nobody follows themselves.
    """
    if channel.user_id == user.pk:
        raise TargetProtected(user.username)
    _, made = Follow.objects.get_or_create(channel=channel, user=user, defaults={"created_at": now})
    if made:
        transaction.on_commit(lambda: live.standing_changed(channel.pk, user.pk))
    return made


def unfollow(*, channel: Channel, user: User) -> bool:
    """The user follows the channel no more; false when they did not."""
    gone, _ = Follow.objects.filter(channel=channel, user=user).delete()
    if gone:
        transaction.on_commit(lambda: live.standing_changed(channel.pk, user.pk))
    return gone > 0


@transaction.atomic
def set_moderator(*, channel: Channel, by: User, target: User, granted: bool, now: datetime) -> None:
    """Makes somebody a moderator, or no more.

    Raises NotBroadcaster, TargetProtected (the broadcaster), AlreadySo.
    """
    need_broadcaster(channel=channel, by=by)
    if target.pk == channel.user_id:
        raise TargetProtected(target.username)
    room = room_of(channel)
    if granted:
        _, changed = Moderator.objects.get_or_create(channel=channel, user=target, defaults={"created_at": now})
        # One badge of rank: a moderator passes all that a VIP does.
        Vip.objects.filter(channel=channel, user=target).delete()
    else:
        changed = Moderator.objects.filter(channel=channel, user=target).delete()[0] > 0
    if not changed:
        raise AlreadySo(f"{target.username} is {'a' if granted else 'no'} moderator already.")
    kind = ModAction.Kind.MOD if granted else ModAction.Kind.UNMOD
    note(room=room, by=by, kind=kind, target=target, now=now)
    transaction.on_commit(lambda: live.role_changed(channel.pk, channel.login, target.pk))


@transaction.atomic
def set_vip(*, channel: Channel, by: User, target: User, granted: bool, now: datetime) -> None:
    """Makes somebody a VIP, or no more.

    Raises NotBroadcaster, TargetProtected (moderators and the broadcaster), AlreadySo.
    """
    need_broadcaster(channel=channel, by=by)
    moderates = Moderator.objects.filter(channel=channel, user=target).exists()
    if granted and (moderates or target.pk == channel.user_id):
        raise TargetProtected(target.username)
    room = room_of(channel)
    if granted:
        _, changed = Vip.objects.get_or_create(channel=channel, user=target, defaults={"created_at": now})
    else:
        changed = Vip.objects.filter(channel=channel, user=target).delete()[0] > 0
    if not changed:
        raise AlreadySo(f"{target.username} is {'a' if granted else 'no'} VIP already.")
    kind = ModAction.Kind.VIP if granted else ModAction.Kind.UNVIP
    note(room=room, by=by, kind=kind, target=target, now=now)
    transaction.on_commit(lambda: live.role_changed(channel.pk, channel.login, target.pk))


@transaction.atomic
def grant_subscription(
    *, channel: Channel, user: User, by: User | None, now: datetime, until: datetime | None
) -> Subscription:
    """Makes somebody a subscriber, until a time or without end. The house does that, in the admin."""
    subscription, _ = Subscription.objects.update_or_create(
        channel=channel,
        user=user,
        defaults={"until": until, "granted_by": by},
        create_defaults={"until": until, "granted_by": by, "created_at": now},
    )
    transaction.on_commit(lambda: live.standing_changed(channel.pk, user.pk))
    return subscription


def end_subscription(*, channel: Channel, user: User) -> bool:
    """Takes a subscription away; false when there is none."""
    gone, _ = Subscription.objects.filter(channel=channel, user=user).delete()
    if gone:
        transaction.on_commit(lambda: live.standing_changed(channel.pk, user.pk))
    return gone > 0


def block(*, user: User, target: User) -> None:
    """The user sees nothing of another's any more. Raises TargetProtected (oneself), AlreadySo."""
    if user.pk == target.pk:
        raise TargetProtected(target.username)
    if Block.objects.filter(user=user).count() >= MAX_BLOCKS:
        raise AlreadySo(f"You block {MAX_BLOCKS} people already.")
    _, made = Block.objects.get_or_create(user=user, blocked=target)
    if not made:
        raise AlreadySo(f"You block {target.username} already.")


def unblock(*, user: User, target: User) -> None:
    """Raises AlreadySo."""
    if not Block.objects.filter(user=user, blocked=target).delete()[0]:
        raise AlreadySo(f"You don't block {target.username}.")


def set_color(*, channel: Channel, user: User, color: str) -> str:
    """Chooses the colour of the user's name in every room; answers it. Raises BadArguments."""
    parsed = colors.parse(color)
    if parsed is None:
        raise BadArguments(f"/color #rrggbb, or one of {', '.join(colors.NAMED)}")
    Profile.objects.update_or_create(user=user, defaults={"color": parsed})
    transaction.on_commit(lambda: live.standing_changed(channel.pk, user.pk))
    return parsed


def set_live_notices(*, user: User, wanted: bool) -> None:
    """Whether the user's pages say when a channel they follow goes live. Pages that are open go on as they were."""
    Profile.objects.update_or_create(user=user, defaults={"live_notices": wanted})


def moderators(channel: Channel) -> list[str]:
    """The logins of a channel's moderators."""
    return list(
        Moderator.objects.filter(channel=channel).order_by("user__username").values_list("user__username", flat=True)
    )


def vips(channel: Channel) -> list[str]:
    """The logins of a channel's VIPs."""
    return list(Vip.objects.filter(channel=channel).order_by("user__username").values_list("user__username", flat=True))
