"""What moderators do to messages and their authors."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.ratelimit import RateLimit
from chat import events, live
from chat.errors import AlreadySo, BadArguments, NothingToUndo, TargetProtected, UnknownMessage
from chat.models import MAX_REASON, Ban, HeldMessage, ModAction, Moderator
from chat.services.authority import need_above, need_moderator, note, rank, room_of
from chat.services.settings import restore_modes, unpin_what_goes
from chat.standing import Rank
from streaming.models import Channel

TIMEOUT_SECONDS = range(1, 1_209_601)
DEFAULT_TIMEOUT = 600
HELD = RateLimit("chat-held", count=5, seconds=60)
"""Messages of one person that moderators are asked about."""


@transaction.atomic
def ban(
    *, channel: Channel, by: User, target: User, now: datetime, seconds: int | None = None, reason: str = ""
) -> ModAction:
    """Bans somebody: for `seconds`, or for good. What they said in the room is cleared.

    Raises NotModerator, TargetProtected, BadArguments (seconds out of 1 to 1,209,600), AlreadySo.
    """
    if seconds is not None and seconds not in TIMEOUT_SECONDS:
        raise BadArguments("/timeout login [60, 10m, 1d …, at most 14d] [reason]")
    need_above(channel=channel, by=by, target=target)
    room = room_of(channel)
    before = _ban_json(Ban.objects.filter(channel=channel, user=target).first(), now=now)
    if seconds is None and before is not None and before["until"] is None:
        raise AlreadySo(f"{target.username} is banned already.")
    until = now + timedelta(seconds=seconds) if seconds is not None else None
    facts = {"until": until, "reason": reason[:MAX_REASON], "by": by}
    Ban.objects.update_or_create(
        channel=channel, user=target, defaults=facts, create_defaults={**facts, "created_at": now}
    )
    action = note(
        room=room,
        by=by,
        kind=ModAction.Kind.BAN if seconds is None else ModAction.Kind.TIMEOUT,
        target=target,
        facts={"seconds": seconds, "reason": reason[:MAX_REASON]},
        before={"ban": before},
        now=now,
    )
    unpin_what_goes(channel=channel, by=by, login=target.username)
    record = events.cleared(user=str(target.pk), login=target.username, seconds=seconds, by=by.username)
    if seconds is None:
        record["ban"] = True
    transaction.on_commit(lambda: live.standing_changed(channel.pk, target.pk, record))
    return action


@transaction.atomic
def unban(*, channel: Channel, by: User, target: User, now: datetime) -> ModAction:
    """Ends a ban or a timeout. Raises NotModerator, AlreadySo."""
    need_moderator(channel=channel, by=by)
    room = room_of(channel)
    found = Ban.objects.filter(channel=channel, user=target).first()
    before = _ban_json(found, now=now)
    if found is None or before is None:
        raise AlreadySo(f"{target.username} is not banned.")
    found.delete()
    kind = ModAction.Kind.UNBAN if before["until"] is None else ModAction.Kind.UNTIMEOUT
    action = note(room=room, by=by, kind=kind, target=target, before={"ban": before}, now=now)
    transaction.on_commit(lambda: live.standing_changed(channel.pk, target.pk))
    return action


@transaction.atomic
def delete_message(*, channel: Channel, by: User, message_id: str, now: datetime) -> ModAction | None:
    """Deletes a message. One's own needs no rank, and is not logged.

    Raises UnknownMessage, NotModerator, TargetProtected.
    """
    found = live.find_record(channel.pk, message_id)
    record: dict[str, Any] = json.loads(found) if found else {}
    if record.get("type") != "message":
        raise UnknownMessage
    author = record["user"]
    gone = events.deleted(message_id, author["login"], by.username)
    if author["id"] == str(by.pk):
        unpin_what_goes(channel=channel, by=by, message_id=message_id)
        transaction.on_commit(lambda: live.happened(channel.pk, gone))
        return None
    mine = need_moderator(channel=channel, by=by)
    target = User.objects.filter(pk=author["id"]).first()
    if target is not None and rank(channel=channel, user=target) is Rank.BROADCASTER and mine is not Rank.BROADCASTER:
        raise TargetProtected(author["login"])
    action = note(
        room=room_of(channel),
        by=by,
        kind=ModAction.Kind.DELETE,
        target=target,
        facts={"message": message_id, "text": record["text"]},
        now=now,
    )
    unpin_what_goes(channel=channel, by=by, message_id=message_id)
    transaction.on_commit(lambda: live.happened(channel.pk, gone))
    return action


@transaction.atomic
def clear(*, channel: Channel, by: User, now: datetime) -> ModAction:
    """Clears the room: nobody sees what was said so far. Raises NotModerator."""
    need_moderator(channel=channel, by=by)
    action = note(room=room_of(channel), by=by, kind=ModAction.Kind.CLEAR, now=now)
    record = events.cleared(user=None, login=None, seconds=None, by=by.username)
    transaction.on_commit(lambda: live.happened(channel.pk, record))
    return action


def hold(*, channel: Channel, user: User, text: str, reason: str, now: datetime) -> HeldMessage:
    """Keeps a message for the room's moderators, and tells them alone."""
    with transaction.atomic():
        held = HeldMessage.objects.create(room=room_of(channel), user=user, text=text, reason=reason, held_at=now)
    record = {"type": "held", "room": channel.login, "id": str(held.pk), "login": user.username, "text": text}
    moderators = Moderator.objects.filter(channel=channel).values_list("user_id", flat=True)
    live.told_people([channel.user_id, *moderators], {**record, "reason": reason})
    return held


@transaction.atomic
def decide_held(*, channel: Channel, by: User, held_id: str, allowed: bool, now: datetime) -> HeldMessage:
    """Lets a held message be said, or not; once. The caller says it. Raises NotModerator, UnknownMessage."""
    need_moderator(channel=channel, by=by)
    held = HeldMessage.objects.select_related("user").filter(pk=held_id, room_id=channel.pk).first()
    decided = HeldMessage.objects.filter(pk=held_id, room_id=channel.pk, decided_at=None).update(
        decided_at=now, allowed=allowed
    )
    if held is None or not decided:
        raise UnknownMessage
    note(
        room=room_of(channel),
        by=by,
        kind=ModAction.Kind.ALLOW if allowed else ModAction.Kind.DENY,
        target=held.user,
        facts={"text": held.text},
        now=now,
    )
    return held


@transaction.atomic
def undo(*, channel: Channel, by: User, action_id: str, now: datetime) -> ModAction:
    """Undoes an action on somebody's ban, or a change of modes, once.

    Cleared and deleted messages stay so: everybody has seen them go. Raises NotModerator, NothingToUndo.
    """
    need_moderator(channel=channel, by=by)
    room = room_of(channel)
    action = ModAction.objects.select_related("target").filter(pk=action_id, room=room).first()
    if action is None or ModAction.objects.filter(pk=action.pk, undone_at=None).update(undone_at=now) == 0:
        raise NothingToUndo
    kinds = ModAction.Kind
    if action.kind in {kinds.BAN, kinds.TIMEOUT, kinds.UNBAN, kinds.UNTIMEOUT} and action.target:
        need_above(channel=channel, by=by, target=action.target)
        _restore_ban(channel=channel, target=action.target, ban_json=action.before.get("ban"), by=by, now=now)
    elif action.kind == kinds.MODE:
        restore_modes(room=room, channel=channel, by=by, modes=action.before)
    else:
        raise NothingToUndo
    action.undone_at = now
    return action


def _restore_ban(*, channel: Channel, target: User, ban_json: dict[str, Any] | None, by: User, now: datetime) -> None:
    Ban.objects.filter(channel=channel, user=target).delete()
    if ban_json:
        until = datetime.fromisoformat(ban_json["until"]) if ban_json["until"] else None
        Ban.objects.create(channel=channel, user=target, until=until, reason=ban_json["reason"], by=by, created_at=now)
    transaction.on_commit(lambda: live.standing_changed(channel.pk, target.pk))


def _ban_json(found: Ban | None, *, now: datetime) -> dict[str, Any] | None:
    """A ban that still counts, as an undo needs it."""
    if found is None or (found.until is not None and found.until <= now):
        return None
    return {"until": found.until.isoformat() if found.until else None, "reason": found.reason}
