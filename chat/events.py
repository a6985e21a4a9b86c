"""The records of chat's wire and of a room's log, encoded once. Pure.

A record is JSON. What a room keeps has `offset` (1, 2, 3 … within an epoch), `ts` (Unix ms) and `id` first: the room's
Lua writes those three, because only it knows them, in front of the `body` made here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chat.emotes import EmoteAt

_ID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-8([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{12})")
HIDDEN = 1 << 52
"""Added to the number of a message that a busy room did not show: its id must not be that of a shown one."""


def message_id(epoch: str, number: int) -> str:
    """The id of a room's record: a UUIDv8 (RFC 9562, 5.8) of the epoch's 60 bits and the record's number.

    So the record is found by its id alone, without an index.
    """
    tail = f"{number:015x}"
    return f"{epoch[:8]}-{epoch[8:12]}-8{epoch[12:15]}-8{tail[:3]}-{tail[3:]}"


def parse_message_id(text: str) -> tuple[str, int] | None:
    """`(epoch, number)`, or None for anything that is no such id."""
    match = _ID.fullmatch(text.lower())
    if match is None:
        return None
    return match[1] + match[2] + match[3], int(match[4] + match[5], 16)


@dataclass(frozen=True, slots=True)
class Author:
    """Who says it, as shown."""

    id: str
    login: str
    color: str
    badges: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "login": self.login,
            "name": self.login,
            "color": self.color,
            "badges": list(self.badges),
        }


@dataclass(frozen=True, slots=True)
class Said:
    """A message before the room numbers it. `reply_to` is `{id, user, login, text}` of what it answers."""

    author: Author
    text: str
    emotes: Sequence[EmoteAt] = ()
    action: bool = False
    announcement: bool = False
    reply_to: dict[str, Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def body(self) -> str:
        record: dict[str, Any] = {
            "type": "message",
            "user": self.author.to_json(),
            "text": self.text,
            "emotes": [[emote.id, emote.start, emote.end] for emote in self.emotes],
        }
        if self.action:
            record["action"] = True
        if self.announcement:
            record["announcement"] = True
        if self.reply_to:
            record["reply_to"] = self.reply_to
        return body(record | self.more)


def dumps(record: Any) -> str:
    """JSON in one line without blanks."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


def body(record: dict[str, Any]) -> str:
    """A record without its opening brace: what the room's Lua puts after offset, ts and id."""
    return dumps(record)[1:]


def unkept(record_body: str, *, ts: int, message: str) -> str:
    """A whole record that no log has: it has no offset."""
    return f'{{"offset":null,"ts":{ts},"id":"{message}",{record_body}'


def deleted(message: str, login: str, by: str) -> dict[str, Any]:
    """One message is gone."""
    return {"type": "delete", "target": message, "login": login, "by": by}


def cleared(*, user: str | None, login: str | None, seconds: int | None, by: str) -> dict[str, Any]:
    """All of a user's messages are gone, or everybody's (`user` None). `seconds` of a timeout; None is a ban.

    Everybody reads it, so the reason stays in the log of moderators' actions.
    """
    return {"type": "clear", "user": user, "login": login, "seconds": seconds, "by": by}


def room_changed(modes: dict[str, Any], *, pinned: Any, by: str) -> dict[str, Any]:
    """The room's modes, or what is pinned in it, are others now."""
    return {"type": "room", "room": modes, "pinned": pinned, "by": by}


def is_gone(message: Mapping[str, Any], later: Iterable[str]) -> bool:
    """Whether one of the records after a message deleted it, or cleared it away."""
    for text in later:
        if '"type":"delete"' in text or '"type":"clear"' in text:
            record = json.loads(text)
            if record["type"] == "delete" and record["target"] == message["id"]:
                return True
            if record["type"] == "clear" and record["user"] in {None, message["user"]["id"]}:
                return True
    return False


def messages(records: Iterable[str]) -> str:
    """A batch of records in one frame."""
    return '{"type":"messages","messages":[' + ",".join(records) + "]}"


def notice(code: str, text: str) -> str:
    """Something the room says by itself."""
    return dumps({"type": "notice", "code": code, "text": text})


def without_deleted(records: Sequence[str]) -> list[str]:
    """The records, less messages that a later record of the same run deleted, and less quotes of them."""
    kept: list[str] = []
    gone: set[str] = set()
    gone_users: set[str] = set()
    everything = False
    for text in reversed(records):
        # A message's own text can't hold these unescaped, so a match is only ever a hint to decode.
        if '"type":"delete"' in text or '"type":"clear"' in text:
            record = json.loads(text)
            if record["type"] == "delete":
                gone.add(record["target"])
            elif record["type"] == "clear":
                everything = everything or record["user"] is None
                if record["user"]:
                    gone_users.add(record["user"])
            kept.append(text)
        elif '"type":"message"' not in text:
            kept.append(text)
        elif everything:
            continue
        elif gone or gone_users:
            record = json.loads(text)
            if record["id"] in gone or record["user"]["id"] in gone_users:
                continue
            quoted = record.get("reply_to")
            if quoted and (quoted["id"] in gone or quoted["user"] in gone_users):
                text = dumps({**record, "reply_to": {**quoted, "text": ""}})
            kept.append(text)
        else:
            kept.append(text)
    kept.reverse()
    return kept
