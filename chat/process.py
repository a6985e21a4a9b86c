"""What one process has one of: its hub, the way of speech into it, and its small caches."""

from __future__ import annotations

import secrets
import time
from functools import cache
from time import monotonic

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone

from accounts.services import find_user_by_api_token
from chat import followed as followed_channels
from chat import people
from chat.hub.hub import Hub
from chat.hub.streams import Streams
from chat.speech import Speech
from chat.together import Together
from chat.visitors import Proof, Visitor, look_up

NAME = secrets.token_hex(4)
"""Tells this process's sockets from those of others."""
ROOM_IDS = 10_000
ROOM_ID_S = 30.0
"""A login's room is looked up again after so long: channels can be suspended."""

_room_ids: dict[str, tuple[float, str]] = {}


@cache
def hub() -> Hub:
    """This process's hub; `start` it on the event loop."""
    return Hub(settings.STATE_URL, load_facts=database_sync_to_async(people.load_facts))


@cache
def speech() -> Speech:
    """This process's way into the rooms."""
    return Speech(hub())


@cache
def streams() -> Streams:
    """What this process hears of streams."""
    return Streams(hub(), forget_room)


async def start() -> None:
    """Begins to listen, for sockets; idempotent."""
    hub().start()
    await streams().start()


@cache
def followed() -> Together[Proof, frozenset[str]]:
    """Says whom they follow who come with a proof, as `visitors` does."""
    return Together(database_sync_to_async(followed_channels.look_up))


@cache
def visitors() -> Together[Proof, Visitor]:
    """Says who comes with a proof, to all who come at once in one go."""
    return Together(database_sync_to_async(look_up))


async def room_id(login: str) -> str:
    """The id of a public channel's room. Raises UnknownRoom."""
    known = _room_ids.get(login)
    if known is not None and monotonic() - known[0] < ROOM_ID_S:
        return known[1]
    found = str((await database_sync_to_async(people.find_channel)(login)).pk)
    if len(_room_ids) >= ROOM_IDS:
        _room_ids.clear()
    _room_ids[login] = (monotonic(), found)
    return found


def forget_room(room: str) -> None:
    """Looks the room with this id up again, when somebody comes by its login."""
    for login, (_, known) in list(_room_ids.items()):
        if known == room:
            del _room_ids[login]


def remember_room(login: str, room: str) -> None:
    """Takes it that a login's room has this id, from now on."""
    _room_ids[login] = (float("inf"), room)


async def identity_of_token(token: str) -> tuple[str, str, str] | None:
    """`(id, login, colour)` of an API token's user, None for a token of nobody."""

    def find() -> tuple[str, str, str] | None:
        user = find_user_by_api_token(text=token, now=timezone.now())
        return (str(user.pk), user.username, people.color_of(user)) if user else None

    found: tuple[str, str, str] | None = await database_sync_to_async(find)()
    return found


def now_ms() -> int:
    return int(time.time() * 1000)
