"""One IRC connection: signs in, joins rooms, speaks."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable

from accounts.ratelimit import RateLimited
from chat import process
from chat.errors import ChatError, UnknownRoom
from chat.hub.frame import Frame
from chat.hub.hub import Hub
from chat.hub.outbox import Outbox
from chat.irc import translate
from chat.irc.codec import Line, parse
from chat.irc.membership import Membership, frame_of
from chat.irc.translate import HOST, Capabilities
from chat.speech import Speech

logger = logging.getLogger(__name__)

MOST_ROOMS = 100
MOST_LINES = 32
"""Lines in one frame."""
LINES_AT_ONCE, LINES_SECONDS = 200, 30.0
KNOWN = {"twitch.tv/tags", "twitch.tv/commands", "twitch.tv/membership"}
_CHANNEL = re.compile(r"#([a-z0-9_]{4,25})")
_ANONYMOUS = re.compile(r"justinfan\d{1,10}")
_ACTION = re.compile(r"\x01ACTION (.*?)\x01?")


class Connection:
    """See the module. `close(code)` ends the socket; the outbox bounds what waits for it."""

    def __init__(self, *, hub: Hub, speech: Speech, outbox: Outbox, clock: Callable[[], float]) -> None:
        self.hub = hub
        self.speech = speech
        self.outbox = outbox
        self.nick = ""
        self.user = ""
        self.capabilities = Capabilities()
        self.rooms: dict[str, Membership] = {}
        self._names: set[str] = set()
        self._password = ""
        self._clock = clock
        self._lines = 0
        self._lines_since = 0.0

    def send(self, *lines: str) -> None:
        """Sends lines in one frame."""
        self.send_frame(frame_of(lines))

    def send_frame(self, frame: Frame) -> None:
        """Sends a frame that others get too."""
        self.outbox.put_frame(frame)

    async def received(self, text: str) -> None:
        """Takes a client's frame: one or more lines, handled in order."""
        for raw in text.split("\r\n" if "\r\n" in text else "\n")[:MOST_LINES]:
            line = parse(raw)
            if line is None:
                continue
            if self._is_noisy():
                self.outbox.close(4029, "noisy")
                return
            await self._handle(line)
            if self.outbox.closed:
                return

    def left(self) -> None:
        """The socket is gone."""
        if self.user:
            self.hub.hush(self.user, self)
        for membership in self.rooms.values():
            self.hub.leave(membership.room, membership)
        self.rooms.clear()

    def hear(self, record: str) -> None:
        """Whispers are for IRC too; what moderators are told of held messages has no word there."""
        told = json.loads(record)
        if told["type"] == "whisper" and self.capabilities.commands:
            self.send(translate.whisper(told["from"], self.nick, told["text"], self.capabilities))

    def turned_out(self) -> None:
        """Hangs up."""
        self.outbox.close(1000)

    def part(self, name: str) -> None:
        """Leaves a room, if it is in it."""
        membership = self.rooms.pop(name, None)
        if membership is not None:
            self.hub.leave(membership.room, membership)
            self.send(f":{translate.mask(self.nick)} PART {name}")

    def drain(self) -> None:
        """Asks the client to come back to another process."""
        self.send(f":{HOST} RECONNECT")

    async def _handle(self, line: Line) -> None:
        match line.command:
            case "CAP":
                self._capabilities(line)
            case "PASS":
                self._password = line.params[0] if line.params else ""
            case "NICK":
                await self._sign_in(line.params[0].lower() if line.params else "")
            case "PING":
                # Without a prefix: tmi.js takes no other.
                self.send(f"PONG :{line.params[-1] if line.params else HOST}")
            case "QUIT":
                self.outbox.close(1000)
            case "JOIN" if self.nick and line.params:
                for name in line.params[0].lower().split(","):
                    await self._join(name)
            case "PART" if line.params:
                for name in line.params[0].lower().split(","):
                    self.part(name)
            case "PRIVMSG" if self.nick and len(line.params) > 1:
                await self._say(line)
            case _:
                pass

    def _capabilities(self, line: Line) -> None:
        if not line.params:
            return
        order, asked = line.params[0].upper(), line.params[-1].split()
        if order == "LS":
            self.send(f":{HOST} CAP * LS :{' '.join(sorted(KNOWN))}")
        elif order == "REQ":
            known = set(asked) <= KNOWN
            if known:
                self._names |= set(asked)
                self.capabilities = Capabilities.of(self._names)
            self.send(f":{HOST} CAP * {'ACK' if known else 'NAK'} :{' '.join(asked)}")

    async def _sign_in(self, nick: str) -> None:
        if self.nick:
            return
        if _ANONYMOUS.fullmatch(nick):
            self.nick = nick
            self.send(*translate.greeting(nick))
            return
        token = self._password.removeprefix("oauth:")
        self._password = ""
        found = await process.identity_of_token(token) if token else None
        if found is None:
            self.send(translate.notice("*", "", "Login authentication failed", Capabilities()))
            self.outbox.close(1000, "sign_in")
            return
        # The token says who one is, whatever the nick.
        self.user, self.nick, color = found
        self.hub.listen(self.user, self)
        lines = translate.greeting(self.nick)
        if self.capabilities.commands:
            lines.append(translate.global_user_state(self.nick, self.user, color, self.capabilities))
        self.send(*lines)

    async def _join(self, name: str) -> None:
        match = _CHANNEL.fullmatch(name)
        if match is None or name in self.rooms or len(self.rooms) >= MOST_ROOMS:
            return
        try:
            room = await self.hub.room(await process.room_id(match[1]))
            standing = await self.speech.standing(room.room, self.user) if self.user else None
            facts = room.facts or await self.hub.facts(room.room)
        except ChatError as error:
            text = (
                "This channel does not exist or has been suspended." if isinstance(error, UnknownRoom) else str(error)
            )
            self.send(translate.notice(name, error.code, text, self.capabilities))
            return
        membership = self.rooms[name] = Membership(self, room, match[1])
        lines = translate.joined(self.nick, name)
        if self.capabilities.commands:
            if standing:
                lines.append(
                    translate.user_state(standing, name, now_ms=process.now_ms(), capabilities=self.capabilities)
                )
            lines.append(translate.room_state(name, room.room, translate.room_tags(facts), self.capabilities))
        self.send(*lines)
        self.hub.join(room, membership)

    async def _say(self, line: Line) -> None:
        name, text = line.params[0].lower(), line.params[1]
        membership = self.rooms.get(name)
        try:
            room = membership.room.room if membership else await process.room_id(name.removeprefix("#"))
        except ChatError as error:
            self._notice(name, error.code, str(error))
            return
        if action := _ACTION.fullmatch(text):
            text = f"/me {action[1]}"
        if membership:
            membership.saying = text.removeprefix("/me ").strip()
        try:
            outcome = await self.speech.say(room, self.user, text, reply_to=line.tags.get("reply-parent-msg-id", ""))
        except ChatError as error:
            self._notice(name, error.code, str(error))
            return
        except RateLimited as error:
            self._notice(name, "rate_limited", str(error))
            return
        except Exception:
            logger.exception("a message of room %s failed", room)
            return
        finally:
            if membership:
                membership.saying = ""
        if outcome.posted and membership:
            membership.own.append(outcome.posted.id)
        if outcome.answer and outcome.answer.text:
            self._notice(name, outcome.answer.code, outcome.answer.text)
        if outcome.answer and outcome.answer.code == "disconnect":
            self.outbox.close(1000)
        if outcome.standing and self.capabilities.commands:
            self.send(
                translate.user_state(
                    outcome.standing,
                    name,
                    now_ms=process.now_ms(),
                    capabilities=self.capabilities,
                    message=outcome.posted.id if outcome.posted else "",
                )
            )

    def _notice(self, channel: str, code: str, text: str) -> None:
        self.send(translate.notice(channel, code, text, self.capabilities))

    def _is_noisy(self) -> bool:
        now = self._clock()
        if now - self._lines_since > LINES_SECONDS:
            self._lines, self._lines_since = 0, now
        self._lines += 1
        return self._lines > LINES_AT_ONCE
