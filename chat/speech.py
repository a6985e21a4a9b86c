"""The one way of a message into a room, whoever brings it: page, API or IRC."""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from channels.db import database_sync_to_async
from uuid_utils.compat import uuid7

from accounts.models import User
from chat import commands, emotes, events, people, rules
from chat.bus import log, posting, rooms
from chat.bus.epoch import fresh_epoch
from chat.bus.layout import REPEAT_MS
from chat.bus.posting import JudgedByOld, Limits, Posted
from chat.errors import (
    ChatUnavailable,
    Held,
    MessageRefused,
    Repeated,
    SignInNeeded,
    SlowMode,
    TooFast,
    UnknownMessage,
    UnknownRoom,
)
from chat.events import Author, Said
from chat.facts import Facts
from chat.hub.hub import Hub
from chat.orders import Answer, Order, carry_out
from chat.services import moderation
from chat.standing import Standing
from chat.together import Together
from streaming.bus.errors import BusError
from streaming.models import Channel

logger = logging.getLogger(__name__)

STANDINGS = 50_000
"""Standings kept by this process; the longest unused goes first. Each is held against Valkey's before it counts."""
TRIES = 4
QUOTE = 120
"""Characters of a message that a reply to it carries."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a text: a message (`posted`, None when it was said to this process's viewers only) or an
    `answer` to a command. After `wait_ms` its author may say more: the room is in slow mode."""

    posted: Posted | None = None
    answer: Answer | None = None
    standing: Standing | None = None
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Words:
    """What is to be said, before anybody judged it."""

    text: str
    action: bool = False
    announcement: bool = False
    reply_to: str = ""
    allowed: bool = False


class Speech:
    """See the module. `clock` answers Unix seconds."""

    def __init__(self, hub: Hub, *, clock: Callable[[], float] = time.time) -> None:
        self.hub = hub
        self._clock = clock
        self._standings: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._loads: Together[tuple[str, str], Standing] = Together(database_sync_to_async(people.load_many_standings))
        self._alone = AloneLimits()

    async def say(self, room: str, user: str, text: str, *, reply_to: str = "", say_only: bool = False) -> Outcome:
        """Says a text, or carries out the command it is.

        Args:
            room: the channel's id. user: the author's id, empty for nobody.
            reply_to: the id of the message it answers.
            say_only: a `/` has no meaning.

        Raises ChatError: refused; RateLimited: too many commands.
        """
        if not user:
            raise SignInNeeded
        text = rules.clean(text)
        command = None if say_only else commands.parse(text)
        if command is None:
            return await self._say(room, user, _Words(text, reply_to=reply_to))
        if command.name == "me":
            return await self._say(room, user, _Words(rules.clean(command.rest), action=True, reply_to=reply_to))
        answer = await self._order(room, user, command)
        if answer.announce:
            said = await self._say(room, user, _Words(answer.announce, announcement=True))
            return Outcome(posted=said.posted, answer=answer, standing=said.standing)
        return Outcome(answer=answer)

    async def allow(self, room: str, moderator: str, held_id: str, *, allowed: bool) -> None:
        """Lets a held message be said, or drops it. Raises NotModerator, UnknownMessage, UnknownRoom."""

        def decide() -> tuple[str, str]:
            channel, by = _channel_and_user(room, moderator)
            held = moderation.decide_held(channel=channel, by=by, held_id=held_id, allowed=allowed, now=self._now())
            return str(held.user_id), held.text

        author, text = await database_sync_to_async(decide)()
        if allowed:
            await self._say(room, author, _Words(text, allowed=True))

    async def standing(self, room: str, user: str, *, newest: bool = False) -> Standing:
        """Who a user is in a room; with `newest` surely what a post is held against.

        Raises SignInNeeded for a user who is not active any more, or a room that is gone.
        """
        known = self._standings.get((room, user))
        if known is not None and not newest:
            self._standings.move_to_end((room, user))
            return Standing.unpack(known)
        packed = await self._read_standing(room, user)
        self._standings[room, user] = packed
        self._standings.move_to_end((room, user))
        if len(self._standings) > STANDINGS:
            self._standings.popitem(last=False)
        return Standing.unpack(packed)

    async def _read_standing(self, room: str, user: str) -> str:
        for _ in range(TRIES):
            try:
                changes, packed = await self.hub.valkey.run(rooms.standing(room, user))
            except BusError:
                return await self._load_standing(room, user)
            if packed is not None:
                return packed
            packed = await self._load_standing(room, user)
            try:
                if await self.hub.valkey.run(rooms.put_standing(room, user, changes=changes, packed=packed)):
                    return packed
            except BusError:
                return packed
        raise ChatUnavailable

    async def _load_standing(self, room: str, user: str) -> str:
        loaded = await self._loads.ask((room, user))
        if loaded is None:
            raise SignInNeeded
        return loaded.pack()

    async def _say(self, room: str, user: str, words: _Words) -> Outcome:
        newest = False
        reply = await self._quote(room, words.reply_to) if words.reply_to else None
        for _ in range(TRIES):
            facts = await self.hub.facts(room, newest=newest)
            standing = await self.standing(room, user, newest=newest)
            now_ms = int(self._clock() * 1000)
            found = emotes.find(words.text, facts.emotes)
            try:
                limits = _judge(words, found, facts=facts, standing=standing, now_ms=now_ms)
            except MessageRefused as refusal:
                if not newest:  # what a post is taken by is held against the newest; so is what it is refused by
                    newest = True
                    continue
                if isinstance(refusal, Held):
                    await database_sync_to_async(self._hold)(room, user, words.text)
                raise
            said = Said(
                author=Author(standing.user, standing.login, standing.color, standing.badges(now_ms)),
                text=words.text,
                emotes=found,
                action=words.action,
                announcement=words.announcement,
                reply_to=reply,
            )
            call = posting.post(
                room,
                user=user,
                revision=facts.revision,
                standing=standing.pack(),
                text=words.text,
                body=said.body(),
                limits=limits,
                epoch=fresh_epoch(),
            )
            try:
                return Outcome(posted=await self.hub.valkey.run(call), standing=standing, wait_ms=limits.slow_ms)
            except JudgedByOld:
                newest = True
            except BusError as error:
                logger.warning("a message of room %s is not kept: %s", room, error)
                self._say_alone(room, user, said, limits=limits, now_ms=now_ms)
                return Outcome(standing=standing, wait_ms=limits.slow_ms)
        raise ChatUnavailable

    def _hold(self, room: str, user: str, text: str) -> None:
        channel, author = _channel_and_user(room, user)
        moderation.HELD.spend(user, now=self._now())
        moderation.hold(channel=channel, user=author, text=text, reason="looks like spam", now=self._now())

    def _say_alone(self, room: str, user: str, said: Said, *, limits: Limits, now_ms: int) -> None:
        self._alone.check(room, user, said.text, limits=limits, now_ms=now_ms)
        self.hub.say_locally(room, events.unkept(said.body(), ts=now_ms, message=str(uuid7())))

    async def _quote(self, room: str, message_id: str) -> dict[str, Any]:
        place = events.parse_message_id(message_id)
        if place is None:
            raise UnknownMessage
        try:
            found = await self.hub.valkey.run(log.record(room, place[1]))
        except BusError:
            raise ChatUnavailable from None
        record = json.loads(found) if found else {}
        if record.get("id") != message_id.lower() or record.get("type") != "message":
            raise UnknownMessage
        here = self.hub.find(room)
        if here and events.is_gone(record, (one.text for one in here.ring if one.offset > place[1])):
            raise UnknownMessage  # a quote would bring it back
        author = record["user"]
        return {
            "id": record["id"],
            "user": author["id"],
            "login": author["login"],
            "text": record["text"][:QUOTE],
        }

    async def _order(self, room: str, user: str, command: commands.Command) -> Answer:
        viewers = await self.hub.present(room) if command.name == "raid" else 0

        def carry() -> Answer:
            channel, by = _channel_and_user(room, user)
            return carry_out(Order(channel=channel, by=by, command=command, now=self._now(), viewers=viewers))

        answer: Answer = await database_sync_to_async(carry)()
        return answer

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), tz=UTC)


class AloneLimits:
    """The limits while Valkey is away, counted by this process alone: up to as many times over as there are
    processes. Bounded: at MOST the longest unused are forgotten."""

    MOST = 20_000

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str], deque[tuple[int, str]]] = OrderedDict()

    def check(self, room: str, user: str, text: str, *, limits: Limits, now_ms: int) -> None:
        """Counts a message. Raises TooFast, SlowMode, Repeated."""
        times = self._times.setdefault((room, user), deque(maxlen=100))
        self._times.move_to_end((room, user))
        if len(self._times) > self.MOST:
            self._times.popitem(last=False)
        if len(times) >= limits.count and now_ms - times[-limits.count][0] < limits.window_ms:
            raise TooFast(retry_ms=times[-limits.count][0] + limits.window_ms - now_ms)
        if times and now_ms - times[-1][0] < limits.slow_ms:
            raise SlowMode(retry_ms=times[-1][0] + limits.slow_ms - now_ms)
        if limits.repeat_ms and any(said == text and now_ms - at < REPEAT_MS for at, said in times):
            raise Repeated(retry_ms=REPEAT_MS)
        times.append((now_ms, text))


def _judge(words: _Words, found: list[emotes.EmoteAt], *, facts: Facts, standing: Standing, now_ms: int) -> Limits:
    if words.allowed:
        rules.check_ban(standing, now_ms=now_ms)
        return Limits(count=rules.MODERATOR_COUNT, window_ms=rules.WINDOW_MS)
    return rules.judge(words.text, found, facts=facts, standing=standing, now_ms=now_ms)


def _channel_and_user(room: str, user: str) -> tuple[Channel, User]:
    channel = Channel.objects.select_related("user").filter(pk=room).first()
    by = User.objects.filter(pk=user, is_active=True).first()
    if channel is None:
        raise UnknownRoom
    if by is None:
        raise SignInNeeded
    return channel, by
