"""The WebSocket edge of a room: `/ws/chat/<login>/`. docs/chat.md describes the protocol."""

from __future__ import annotations

import json
import logging
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer

from accounts.ratelimit import RateLimited
from chat import events, process, visitors
from chat.bus.layout import MESSAGE
from chat.bus.log import Record
from chat.errors import ChatError, UnknownRoom, Wait
from chat.facts import Facts
from chat.hub.frame import Frame
from chat.hub.outbox import Outbox
from chat.hub.room import Batch, Room, frames
from chat.standing import Rank, Standing
from chat.visitors import Visitor
from chat.websocket import write_of

logger = logging.getLogger(__name__)

HISTORY = 100
MAX_FRAME = 8_192
"""Characters of a client's frame."""
FRAMES_AT_ONCE = 120
"""Frames a client may send in FRAMES_SECONDS; more close it. The rules of the room count messages, this noise."""
FRAMES_SECONDS = 10.0
BAD_FRAME, NOISY, UNKNOWN, LEFT, TRY_LATER = 4000, 4029, 4404, 4001, 1013


class ChatConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """One socket in one room. What arrives is handled one at a time, in order.

    It takes no part in the channel layer, which costs each socket a task and a subscription: rooms have the hub, and
    what the layer says reaches it by `hub.streams`.
    """

    since: int

    def __init__(self, login: str) -> None:
        self.login = login
        self.hub = process.hub()
        self.speech = process.speech()
        self.room: Room | None = None
        self.user = ""
        self.since = 0
        self.outbox: Outbox
        self.noise = 0
        self.noise_since = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one socket. Channels' own would put a task between the server and each frame."""
        self.scope, self.base_send = scope, send
        while True:
            message = await receive()
            await self.dispatch(message)
            if message["type"] == "websocket.disconnect":
                return
            if message["type"] == "websocket.connect":
                scope.clear()  # each coroutine down to the server holds it: what a browser sends is some KiB a socket

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hands on an ASGI event. Channels' own would hop to a thread each time, to close database connections."""
        if message["type"] == "websocket.receive":
            await self.received(message)
        elif message["type"] == "websocket.connect":
            await self.connected()
        elif message["type"] == "websocket.disconnect":
            self.disconnected()

    async def connected(self) -> None:
        """Accepts the socket and shows it the room. A foreign page, or a channel that is not there, is refused."""
        self.outbox = Outbox(self.base_send, write_of(self.scope))
        if not visitors.from_our_pages(self.scope["headers"]):
            await self.base_send({"type": "websocket.close", "code": 4003})
            return
        await process.start()
        try:
            room_id = await process.room_id(self.login)
        except UnknownRoom:
            await self.base_send({"type": "websocket.accept"})
            await self.base_send({"type": "websocket.close", "code": UNKNOWN, "reason": "unknown_room"})
            return
        proof = visitors.proof(room_id, self.scope["headers"])
        try:
            visitor = await process.visitors().ask(proof) if proof else None
            room = await self.hub.room(room_id)
        except ChatError as error:
            await self.base_send({"type": "websocket.accept"})
            await self.base_send({"type": "websocket.close", "code": TRY_LATER, "reason": error.code})
            return
        await self.base_send({"type": "websocket.accept"})
        self.user, self.room = visitor.user if visitor else "", room
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        count = 0 if query.get("history") == ["0"] else HISTORY
        self.outbox.put(_welcome(room, visitor, count=count))
        self.hub.join(room, self)
        if self.user:
            self.hub.listen(self.user, self)

    async def received(self, message: dict[str, Any]) -> None:
        """Takes a client's frame. Whatever is no frame of ours closes this socket, and only this."""
        room = self.room
        if room is None:
            return
        frame = _read(message.get("text"))
        if frame is None:
            self.outbox.close(BAD_FRAME, "bad_frame")
        elif self.is_noisy():
            self.outbox.close(NOISY, "noisy")
        elif frame["type"] == "ping":
            self.outbox.put(f'{{"type":"pong","present":{present(room)}}}')
        elif frame["type"] == "message":
            await self.say(room, frame)
        elif frame["type"] == "resume":
            await self.resume(room, frame)
        else:
            self.outbox.close(BAD_FRAME, "bad_frame")

    async def say(self, room: Room, frame: dict[str, Any]) -> None:
        """Answers a message with `ack`, or with `error` and why."""
        nonce = frame.get("nonce")
        nonce = nonce if isinstance(nonce, str | int) and len(str(nonce)) <= 64 else None
        text, reply_to = frame.get("text"), frame.get("reply_to") or ""
        if not isinstance(text, str) or not isinstance(reply_to, str):
            self.outbox.close(BAD_FRAME, "bad_frame")
            return
        try:
            outcome = await self.speech.say(room.room, self.user, text, reply_to=reply_to)
        except (ChatError, RateLimited) as error:
            self.outbox.put(_refusal(error, nonce))
            return
        except Exception:
            logger.exception("a message of room %s failed", room.room)
            self.outbox.put(events.dumps({"type": "error", "nonce": nonce, "code": "failed", "text": FAILED}))
            return
        posted, answer = outcome.posted, outcome.answer
        self.outbox.put(
            events.dumps(
                {
                    "type": "ack",
                    "nonce": nonce,
                    "id": posted.id if posted else None,
                    "offset": posted.offset if posted else None,
                    "stored": posted is not None or answer is not None,
                    "shown": posted.shown if posted else True,
                    "wait_ms": outcome.wait_ms,
                }
            )
        )
        if answer and answer.text:
            self.outbox.put(events.notice(answer.code, answer.text))
        if answer and answer.code == "disconnect":
            self.outbox.close(LEFT, "left")

    async def resume(self, room: Room, frame: dict[str, Any]) -> None:
        """Sends what was missed between the client's last offset and its welcome; live records come besides."""
        epoch, offset = frame.get("epoch"), frame.get("offset")
        if not isinstance(epoch, str) or not isinstance(offset, int) or offset < 0:
            self.outbox.close(BAD_FRAME, "bad_frame")
            return
        missed = await self.hub.missed(room, epoch=epoch, offset=offset, until=self.since)
        texts = events.without_deleted([record.text for record in missed or []])
        self.outbox.put(
            f'{{"type":"resumed","recovered":{"true" if missed is not None else "false"},'
            f'"epoch":"{room.epoch}","offset":{self.since},"records":[{",".join(texts)}]}}'
        )

    def take(self, batch: Batch) -> None:
        """Sends a batch: encoded once for all sockets of this kind."""
        sent = batch.encoded.get("json")
        if sent is None:
            sent = batch.encoded["json"] = [Frame(text) for text in _frames(batch.records)]
        for frame in sent:  # type: ignore[attr-defined]  # made just above
            if not self.outbox.put_frame(frame):
                break

    def hear(self, record: str) -> None:
        """Sends what is for this person alone."""
        self.outbox.put(record)

    @property
    def identity(self) -> str:
        """A person with ten tabs is one; a stranger is as many as they have sockets."""
        return self.user or f"socket:{id(self)}:{process.NAME}"

    def room_changed(self, facts: Facts) -> None:
        """Nothing: the room's own record says it to pages."""

    def room_closed(self) -> None:
        """Hangs up, as on who comes to a room that is not there."""
        self.outbox.close(UNKNOWN, "unknown_room")

    def turned_out(self) -> None:
        """Hangs up."""
        self.outbox.close(LEFT, "left")

    def is_noisy(self) -> bool:
        """Counts a frame."""
        now = monotonic()
        if now - self.noise_since > FRAMES_SECONDS:
            self.noise, self.noise_since = 0, now
        self.noise += 1
        return self.noise > FRAMES_AT_ONCE

    def disconnected(self) -> None:
        if self.room is not None:
            self.hub.leave(self.room, self)
            if self.user:
                self.hub.hush(self.user, self)
        self.outbox.abandon()


FAILED = "Something broke on our side. It is in the log."


def present(room: Room) -> int:
    """How many people are in the room, as last counted; before that, how many sockets are here."""
    return room.present or len(room.viewers)


def _read(text: str | None) -> dict[str, Any] | None:
    """A client's frame, or None for anything that is none."""
    if text is None or len(text) > MAX_FRAME:
        return None
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) and isinstance(frame.get("type"), str) else None


def _refusal(error: ChatError | RateLimited, nonce: str | int | None) -> str:
    record = {"type": "error", "nonce": nonce, "code": getattr(error, "code", "rate_limited"), "text": str(error)}
    if isinstance(error, Wait):
        record["retry_ms"] = error.retry_ms
    return events.dumps(record)


def _frames(records: list[Record]) -> list[str]:
    return [
        events.messages(record.text for record in run) if run[0].kind == MESSAGE else run[0].text
        for run in frames(records)
    ]


def _welcome(room: Room, visitor: Visitor | None, *, count: int) -> str:
    texts = events.without_deleted([record.text for record in room.newest(count * 2)])
    history = [text for text in texts if '"type":"message"' in text][-count:] if count else []
    facts = room.facts
    head = {
        "type": "welcome",
        "epoch": room.epoch,
        "offset": room.offset,
        "reliable": room.reliable,
        "present": present(room),
        "room": facts.modes() if facts else {},
        "pinned": facts.pinned if facts else None,
        "you": _you(visitor.standing) if visitor else None,
        "blocked": visitor.blocked if visitor else [],
    }
    return events.dumps(head)[:-1] + ',"messages":[' + ",".join(history) + "]}"


def _you(standing: Standing) -> dict[str, Any]:
    return {
        "id": standing.user,
        "login": standing.login,
        "color": standing.color,
        "role": {Rank.BROADCASTER: "broadcaster", Rank.MODERATOR: "moderator"}.get(
            standing.rank, "vip" if standing.vip else "viewer"
        ),
        "badges": standing.badges(process.now_ms()),
    }
