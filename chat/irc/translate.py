"""Records of a room as Twitch's IRC says them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.facts import Facts
from chat.irc.codec import Line, render
from chat.standing import Standing

HOST = "tmi.twitch.tv"
"""Clients look for exactly this name."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a client asked for."""

    tags: bool = False
    commands: bool = False
    membership: bool = False

    @classmethod
    def of(cls, names: set[str]) -> Capabilities:
        return cls(
            tags="twitch.tv/tags" in names,
            commands="twitch.tv/commands" in names,
            membership="twitch.tv/membership" in names,
        )


NOTICES = {
    "banned": "msg_banned",
    "timed_out": "msg_timedout",
    "too_fast": "msg_ratelimit",
    "rate_limited": "msg_ratelimit",
    "repeated": "msg_duplicate",
    "slow_mode": "msg_slowmode",
    "emotes_only": "msg_emoteonly",
    "subscribers_only": "msg_subsonly",
    "followers_only": "msg_followersonly",
    "not_unique": "msg_r9k",
    "term_blocked": "msg_rejected_mandatory",
    "link_blocked": "msg_rejected_mandatory",
    "held": "msg_rejected",
    "not_moderator": "no_permission",
    "not_broadcaster": "no_permission",
    "unknown_command": "unrecognized_cmd",
    "unknown_user": "invalid_user",
    "unknown_room": "msg_channel_suspended",
    "sign_in": "msg_requires_verified_phone_number",
}
"""Our codes of refusals as Twitch's msg-ids; others are sent as they are."""


def mask(login: str) -> str:
    """A user as a prefix."""
    return f"{login}!{login}@{login}.{HOST}"


def notice(channel: str, code: str, text: str, capabilities: Capabilities) -> str:
    """A NOTICE; `channel` is `#login`, or `*`."""
    tags = {"msg-id": NOTICES.get(code, code)} if capabilities.tags and code else {}
    return render(Line("NOTICE", (channel, text), HOST, tags))


def record_lines(
    record: Mapping[str, Any], *, login: str, room: str, capabilities: Capabilities, deleted_text: str = ""
) -> list[str]:
    """A room's record as lines; none for what IRC does not say.

    Args:
        login, room: the channel's. deleted_text: what a `delete` takes away.
    """
    channel = f"#{login}"
    kind = record["type"]
    sent_ts = {"room-id": room, "tmi-sent-ts": str(record.get("ts", 0))}
    if kind == "message":
        if record.get("announcement") and capabilities.commands:
            return [_announcement(record, channel, room, capabilities)]
        return [_privmsg(record, channel, room, capabilities)]
    if not capabilities.commands:
        return []
    line: Line | None = None
    if kind == "clear":
        tags = dict(sent_ts)
        params: tuple[str, ...] = (channel,)
        if record["user"]:
            params = (channel, record["login"])
            tags["target-user-id"] = record["user"]
            if record["seconds"] is not None:
                tags = {"ban-duration": str(record["seconds"]), **tags}
        line = Line("CLEARCHAT", params, HOST, tags)
    elif kind == "delete":
        tags = {"login": record["login"], "target-msg-id": record["target"], **sent_ts}
        line = Line("CLEARMSG", (channel, deleted_text), HOST, tags)
    elif kind == "raid" and record["to"] == login:
        tags = {
            "msg-id": "raid",
            "login": record["from"],
            "display-name": record["from"],
            "msg-param-displayName": record["from"],
            "msg-param-login": record["from"],
            "msg-param-viewerCount": str(record["viewers"]),
            "system-msg": f"{record['viewers']} raiders from {record['from']} have joined!",
            **sent_ts,
        }
        line = Line("USERNOTICE", (channel,), HOST, tags)
    elif kind == "notice":
        return [notice(channel, record["code"], record["text"], capabilities)]
    if line is None:
        return []
    return [render(line if capabilities.tags else Line(line.command, line.params, line.prefix))]


def _privmsg(record: Mapping[str, Any], channel: str, room: str, capabilities: Capabilities) -> str:
    login, text = record["user"]["login"], record["text"]
    if record.get("action"):
        text = f"\x01ACTION {text}\x01"
    tags = _message_tags(record, room) if capabilities.tags else {}
    return render(Line("PRIVMSG", (channel, text), mask(login), tags))


def _announcement(record: Mapping[str, Any], channel: str, room: str, capabilities: Capabilities) -> str:
    login = record["user"]["login"]
    tags: dict[str, str] = {}
    if capabilities.tags:
        tags = _message_tags(record, room) | {
            "login": login,
            "msg-id": "announcement",
            "msg-param-color": "PRIMARY",
            "system-msg": "",
        }
    return render(Line("USERNOTICE", (channel, record["text"]), HOST, tags))


def _message_tags(record: Mapping[str, Any], room: str) -> dict[str, str]:
    user = record["user"]
    tags = _user_tags(user["badges"], user["color"], user["name"], user["id"])
    tags |= {
        "emotes": emote_ranges(record["emotes"]),
        "id": record["id"],
        "room-id": room,
        "tmi-sent-ts": str(record["ts"]),
    }
    reply = record.get("reply_to")
    if reply:
        tags |= {
            "reply-parent-msg-id": reply["id"],
            "reply-parent-user-id": reply["user"],
            "reply-parent-user-login": reply["login"],
            "reply-parent-display-name": reply["login"],
            "reply-parent-msg-body": reply["text"],
        }
    return tags


def emote_ranges(emotes: list[list[Any]]) -> str:
    """`id:0-4,6-10/id2:12-16`: by emote, in code points."""
    by_id: dict[str, list[str]] = {}
    for name, start, end in emotes:
        by_id.setdefault(name, []).append(f"{start}-{end}")
    return "/".join(f"{name}:{','.join(ranges)}" for name, ranges in by_id.items())


def _user_tags(badges: list[str], color: str, name: str, user: str) -> dict[str, str]:
    kind = "mod" if "moderator" in badges else ""
    tags = {
        "badge-info": "",
        "badges": ",".join(f"{badge}/1" for badge in badges),
        "color": color.upper(),
        "display-name": name,
        "mod": str(int(bool(kind))),
        "subscriber": str(int("subscriber" in badges)),
        "turbo": "0",
        "user-id": user,
        "user-type": kind,
    }
    if "vip" in badges:
        tags["vip"] = "1"
    return tags


def user_state(standing: Standing, channel: str, *, now_ms: int, capabilities: Capabilities, message: str = "") -> str:
    """USERSTATE: who one is in a room, after joining it and after each message said (`message`, its id)."""
    tags: dict[str, str] = {}
    if capabilities.tags:
        tags = _user_tags(standing.badges(now_ms), standing.color, standing.login, standing.user)
        tags |= {"emote-sets": "0"} | ({"id": message} if message else {})
    return render(Line("USERSTATE", (channel,), HOST, tags))


def global_user_state(login: str, user: str, color: str, capabilities: Capabilities) -> str:
    """GLOBALUSERSTATE: who one is, once signed in."""
    tags = _user_tags([], color, login, user) | {"emote-sets": "0"} if capabilities.tags else {}
    return render(Line("GLOBALUSERSTATE", (), HOST, tags))


def room_tags(facts: Facts) -> dict[str, str]:
    """A room's modes as tags."""
    return {
        "emote-only": str(int(facts.emote_only)),
        "followers-only": str(-1 if facts.followers_minutes is None else facts.followers_minutes),
        "r9k": str(int(facts.unique_chat)),
        "slow": str(facts.slow_seconds),
        "subs-only": str(int(facts.subscribers_only)),
    }


def room_state(channel: str, room: str, tags: Mapping[str, str], capabilities: Capabilities) -> str:
    """ROOMSTATE: all modes after joining, later only those that changed."""
    given = {**tags, "room-id": room} if capabilities.tags else {}
    return render(Line("ROOMSTATE", (channel,), HOST, given))


def whisper(sender: str, recipient: str, text: str, capabilities: Capabilities) -> str:
    """WHISPER: words for one person."""
    tags = {"display-name": sender, "badges": "", "color": "", "emotes": "", "user-type": ""}
    return render(Line("WHISPER", (recipient, text), mask(sender), tags if capabilities.tags else {}))


def greeting(nick: str) -> list[str]:
    """001 to 376: what clients wait for before they join anything."""
    numbered = [
        ("001", "Welcome, GLHF!"),
        ("002", f"Your host is {HOST}"),
        ("003", "This server is rather new"),
        ("004", "-"),
        ("375", "-"),
        ("372", "You are in a maze of twisty passages, all alike."),
        ("376", ">"),
    ]
    return [render(Line(number, (nick, text), HOST)) for number, text in numbered]


def joined(nick: str, channel: str) -> list[str]:
    """JOIN's echo and the names of the room: only one's own, as in every large room."""
    host = f"{nick}.{HOST}"
    return [
        f":{mask(nick)} JOIN {channel}",
        f":{host} 353 {nick} = {channel} :{nick}",
        f":{host} 366 {nick} {channel} :End of /NAMES list",
    ]
