"""Carrying out commands: each parses its words, calls one service and answers a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.ratelimit import RateLimit
from chat import people
from chat.commands import USAGE, Command, available, seconds
from chat.errors import BadArguments, NotBroadcaster, NotModerator, UnknownCommand
from chat.services import markers, moderation, roles, settings, whispers
from chat.services.authority import find_user, rank
from chat.standing import Rank
from streaming.models import Channel

ORDERS = RateLimit("chat-command", count=60, seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command of somebody in a room, now. `viewers` is how many are there."""

    channel: Channel
    by: User
    command: Command
    now: datetime
    viewers: int = 0

    def target(self) -> User:
        """The user that the first word names. Raises BadArguments, UnknownUser."""
        if not self.command.words:
            raise BadArguments(USAGE[self.command.name].text)
        return find_user(self.command.words[0])

    def after(self, words: int) -> str:
        """What follows the first words."""
        parts = self.command.rest.split(maxsplit=words)
        return parts[words] if len(parts) > words else ""

    def seconds(self, default: int, *, unit_s: int = 1) -> int:
        """The duration that the first word is. Raises BadArguments."""
        if not self.command.words:
            return default
        found = seconds(self.command.words[0], unit_s=unit_s)
        if found is None:
            raise BadArguments(USAGE[self.command.name].text)
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What the command's author is told. `announce` is a text to be said in the room as an announcement."""

    code: str
    text: str
    announce: str = ""


def carry_out(order: Order) -> Answer:
    """Carries a command out. Raises ChatError, RateLimited."""
    name = order.command.name
    if name not in _ORDERS:
        raise UnknownCommand(name)
    ORDERS.spend(str(order.by.pk), now=order.now)
    needed = USAGE[name].rank
    if needed > rank(channel=order.channel, user=order.by):
        raise NotBroadcaster if needed is Rank.BROADCASTER else NotModerator
    return _ORDERS[name](order)


def _ban(order: Order) -> Answer:
    target = order.target()
    moderation.ban(channel=order.channel, by=order.by, target=target, now=order.now, reason=order.after(1))
    return Answer("ban_success", f"{target.username} is banned from this room.")


def _timeout(order: Order) -> Answer:
    target = order.target()
    given = seconds(order.command.words[1]) if len(order.command.words) > 1 else None
    length = moderation.DEFAULT_TIMEOUT if given is None else given
    reason = order.after(1 if given is None else 2)
    moderation.ban(channel=order.channel, by=order.by, target=target, now=order.now, seconds=length, reason=reason)
    return Answer("timeout_success", f"{target.username} is timed out for {length} seconds.")


def _unban(order: Order) -> Answer:
    target = order.target()
    action = moderation.unban(channel=order.channel, by=order.by, target=target, now=order.now)
    if action.kind == action.Kind.UNTIMEOUT:
        return Answer("untimeout_success", f"{target.username} is no longer timed out in this room.")
    return Answer("unban_success", f"{target.username} is no longer banned from this room.")


def _delete(order: Order) -> Answer:
    if len(order.command.words) != 1:
        raise BadArguments(USAGE["delete"].text)
    moderation.delete_message(channel=order.channel, by=order.by, message_id=order.command.words[0], now=order.now)
    return Answer("delete_message_success", "The message is deleted.")


def _clear(order: Order) -> Answer:
    moderation.clear(channel=order.channel, by=order.by, now=order.now)
    return Answer("clear_success", "The room is cleared.")


def _slow(order: Order) -> Answer:
    pause = order.seconds(30)
    if pause not in settings.SLOW_SECONDS:
        raise BadArguments(USAGE["slow"].text + ": 3 to 120")
    settings.set_modes(channel=order.channel, by=order.by, now=order.now, slow_seconds=pause)
    return Answer("slow_on", f"This room is now in slow mode. You may send messages every {pause} seconds.")


def _followers(order: Order) -> Answer:
    minutes = order.seconds(0, unit_s=60) // 60
    settings.set_modes(channel=order.channel, by=order.by, now=order.now, followers_minutes=minutes)
    return Answer("followers_on", f"This room is now for followers of {minutes} minutes and more only.")


def _mode(code: str, text: str, **modes: bool | int | None) -> Callable[[Order], Answer]:
    def order_mode(order: Order) -> Answer:
        settings.set_modes(channel=order.channel, by=order.by, now=order.now, **modes)
        return Answer(code, text)

    return order_mode


def _role(code: str, text: str, change: Callable[..., None], *, granted: bool) -> Callable[[Order], Answer]:
    def order_role(order: Order) -> Answer:
        target = order.target()
        change(channel=order.channel, by=order.by, target=target, granted=granted, now=order.now)
        return Answer(code, text.format(target.username))

    return order_role


def _color(order: Order) -> Answer:
    if len(order.command.words) != 1:
        raise BadArguments(USAGE["color"].text)
    color = roles.set_color(channel=order.channel, user=order.by, color=order.command.words[0])
    return Answer("color_changed", f"Your name is now {color}.")


def _mods(order: Order) -> Answer:
    found = roles.moderators(order.channel)
    if not found:
        return Answer("no_mods", "This room has no moderators.")
    return Answer("room_mods", f"The moderators of this channel are: {', '.join(found)}")


def _vips(order: Order) -> Answer:
    found = roles.vips(order.channel)
    if not found:
        return Answer("no_vips", "This channel has no VIPs.")
    return Answer("vips_success", f"The VIPs of this channel are: {', '.join(found)}.")


def _block(order: Order) -> Answer:
    target = order.target()
    roles.block(user=order.by, target=target)
    return Answer("block_success", f"You see nothing of {target.username} any more.")


def _unblock(order: Order) -> Answer:
    target = order.target()
    roles.unblock(user=order.by, target=target)
    return Answer("unblock_success", f"You see {target.username} again.")


def _whisper(order: Order) -> Answer:
    target = order.target()
    text = order.after(1)
    if not text:
        raise BadArguments(USAGE["w"].text)
    whispers.whisper(by=order.by, target=target, text=text, now=order.now)
    return Answer("whisper_success", f"To {target.username}: {text}")


def _help(order: Order) -> Answer:
    word = order.command.words[0].lstrip("/").lower() if order.command.words else ""
    if word in USAGE:
        return Answer("cmds_help", f"{USAGE[word].text}: {USAGE[word].says}.")
    names = available(rank(channel=order.channel, user=order.by))
    return Answer(
        "cmds_available", "Commands: " + " ".join(f"/{name}" for name in names) + ". More with /help and a name."
    )


def _announce(order: Order) -> Answer:
    if not order.command.rest:
        raise BadArguments(USAGE["announce"].text)
    settings.note_announcement(channel=order.channel, by=order.by, text=order.command.rest, now=order.now)
    return Answer("announced", "", announce=order.command.rest)


def _pin(order: Order) -> Answer:
    if len(order.command.words) != 1:
        raise BadArguments(USAGE["pin"].text)
    settings.pin(channel=order.channel, by=order.by, message_id=order.command.words[0], now=order.now)
    return Answer("pin_success", "The message is pinned.")


def _unpin(order: Order) -> Answer:
    settings.pin(channel=order.channel, by=order.by, message_id="", now=order.now)
    return Answer("unpin_success", "Nothing is pinned any more.")


def _raid(order: Order) -> Answer:
    target = people.find_channel(order.target().username)
    settings.raid(channel=order.channel, by=order.by, target=target, viewers=order.viewers, now=order.now)
    return Answer("raid_success", f"The viewers are on their way to {target.login}.")


def _marker(order: Order) -> Answer:
    markers.mark(channel=order.channel, by=order.by, text=order.command.rest, now=order.now)
    return Answer("marker_success", "This moment is marked.")


def _disconnect(order: Order) -> Answer:  # noqa: ARG001 - the shape of an order; the socket's owner does it
    return Answer("disconnect", "Goodbye.")


_ORDERS: dict[str, Callable[[Order], Answer]] = {
    "ban": _ban,
    "timeout": _timeout,
    "unban": _unban,
    "untimeout": _unban,
    "delete": _delete,
    "clear": _clear,
    "slow": _slow,
    "slowoff": _mode("slow_off", "This room is no longer in slow mode.", slow_seconds=0),
    "followers": _followers,
    "followersoff": _mode("followers_off", "This room is no longer in followers-only mode.", followers_minutes=None),
    "subscribers": _mode("subs_on", "This room is now in subscribers-only mode.", subscribers_only=True),
    "subscribersoff": _mode("subs_off", "This room is no longer in subscribers-only mode.", subscribers_only=False),
    "emoteonly": _mode("emote_only_on", "This room is now in emote-only mode.", emote_only=True),
    "emoteonlyoff": _mode("emote_only_off", "This room is no longer in emote-only mode.", emote_only=False),
    "uniquechat": _mode("r9k_on", "This room is now in unique-chat mode.", unique_chat=True),
    "uniquechatoff": _mode("r9k_off", "This room is no longer in unique-chat mode.", unique_chat=False),
    "mod": _role("mod_success", "You have added {} as a moderator.", roles.set_moderator, granted=True),
    "unmod": _role("unmod_success", "You have removed {} as a moderator.", roles.set_moderator, granted=False),
    "vip": _role("vip_success", "You have added {} as a VIP.", roles.set_vip, granted=True),
    "unvip": _role("unvip_success", "You have removed {} as a VIP.", roles.set_vip, granted=False),
    "color": _color,
    "mods": _mods,
    "vips": _vips,
    "block": _block,
    "unblock": _unblock,
    "w": _whisper,
    "help": _help,
    "announce": _announce,
    "pin": _pin,
    "unpin": _unpin,
    "raid": _raid,
    "marker": _marker,
    "disconnect": _disconnect,
}
