"""What services tell a room, after commit. It must not raise: PostgreSQL has the change, and Valkey, should it be away,
reads it from there again within `layout.KNOWN_MS`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from chat import events
from chat.bus import log, posting, rooms
from chat.bus.epoch import fresh_epoch
from chat.errors import ChatUnavailable
from chat.facts import Facts
from streaming import on_air
from streaming.bus.errors import BusError
from streaming.bus.layout import Call

logger = logging.getLogger(__name__)


def standing_changed(room: UUID, user: UUID, record: dict[str, Any] | None = None) -> None:
    """The user's next message is judged by what PostgreSQL says now; `record` tells the room why."""
    body = events.body(record) if record else ""
    _run(rooms.forget_standing(str(room), str(user), epoch=fresh_epoch(), body=body))


def role_changed(room: UUID, login: str, user: UUID) -> None:
    """`standing_changed`, and the user's pages in the room show what they may do now."""
    standing_changed(room, user)
    told_people([user], {"type": "standing", "room": login})


def facts_changed(facts: Facts, *, by: str) -> None:
    """The room's facts are these now, and everyone in it is told."""
    record = events.room_changed(facts.modes(), pinned=facts.pinned, by=by)
    _run(rooms.put_facts(facts))
    _run(posting.append(facts.room, body=events.body(record), epoch=fresh_epoch()))


def happened(room: UUID, record: dict[str, Any]) -> None:
    """Something that the room's log keeps."""
    _run(posting.append(str(room), body=events.body(record), epoch=fresh_epoch()))


def told(room: UUID, record: dict[str, Any]) -> None:
    """Something for those who are in the room now."""
    _run(posting.tell(str(room), events.dumps(record)))


def told_person(user: UUID, record: dict[str, Any]) -> bool:
    """Something for one person alone, in all their sockets; false when there are none. Raises ChatUnavailable."""
    try:
        return on_air.state().run(posting.tell_person(str(user), events.dumps(record))) > 0
    except BusError as error:
        raise ChatUnavailable from error


def told_people(users: Iterable[UUID], record: dict[str, Any]) -> None:
    """Something for some people alone."""
    _run_all([posting.tell_person(str(user), events.dumps(record)) for user in users])


def find_record(room: UUID, message_id: str) -> str | None:
    """The JSON of a message of the room's log; None when it is gone, or Valkey is away."""
    place = events.parse_message_id(message_id)
    if place is None:
        return None
    epoch, offset = place
    try:
        if on_air.state().run(log.epoch(str(room))) != epoch:
            return None
        return on_air.state().run(log.record(str(room), offset))
    except BusError as error:
        logger.warning("the log of room %s is not to be had: %s", room, error)
        return None


def _run(call: Call[Any]) -> None:
    _run_all([call])


def _run_all(calls: Sequence[Call[Any]]) -> None:
    try:
        on_air.state().run_all(calls)
    except BusError as error:
        logger.warning("a room could not be told: %s", error)
