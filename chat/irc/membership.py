"""One IRC connection in one room."""

from __future__ import annotations

import json
from collections import deque
from typing import Protocol

from chat import process
from chat.bus.layout import MESSAGE
from chat.bus.log import Record
from chat.facts import Facts
from chat.hub.room import Batch, Room
from chat.irc import translate
from chat.irc.translate import Capabilities

LINES = 32
"""Lines in one frame: what the outbox bounds must come to it in pieces."""
OWN = 100
"""Messages of its own that a connection remembers, so that it does not hear them again."""


class Client(Protocol):
    """Whose connection it is; without `user` a stranger's."""

    user: str
    capabilities: Capabilities

    def send(self, *lines: str) -> None:
        """Sends lines in one frame. It must not wait."""


class Membership:
    """A viewer of the hub. `own` are ids of messages said here; `saying` is the text on its way into the room."""

    def __init__(self, client: Client, room: Room, login: str) -> None:
        self.client = client
        self.room = room
        self.login = login
        self.since = 0
        self.own: deque[str] = deque(maxlen=OWN)
        self.saying = ""
        self._modes = translate.room_tags(room.facts) if room.facts else {}

    @property
    def channel(self) -> str:
        return f"#{self.login}"

    @property
    def identity(self) -> str:
        """As the page counts."""
        return self.client.user or f"socket:{id(self.client)}:{process.NAME}"

    def take(self, batch: Batch) -> None:
        """Sends a batch: its lines are made once for each set of capabilities."""
        capabilities = self.client.capabilities
        lines = batch.encoded.get(capabilities)
        if lines is None:
            lines = batch.encoded[capabilities] = [
                (record, self._lines(record, capabilities)) for record in batch.records
            ]
        heard = [text for record, texts in lines if not self._is_own(record) for text in texts]  # type: ignore[attr-defined]
        for first in range(0, len(heard), LINES):
            self.client.send(*heard[first : first + LINES])

    def room_changed(self, facts: Facts) -> None:
        """Tells the modes that changed."""
        tags = translate.room_tags(facts)
        changed = {name: value for name, value in tags.items() if self._modes.get(name) != value}
        self._modes = tags
        if changed and self.client.capabilities.commands:
            self.client.send(translate.room_state(self.channel, self.room.room, changed, self.client.capabilities))

    def _lines(self, record: Record, capabilities: Capabilities) -> list[str]:
        decoded = json.loads(record.text)
        text = ""
        if decoded["type"] == "delete":
            text = self._text_of(decoded["target"])
        return translate.record_lines(
            decoded, login=self.login, room=self.room.room, capabilities=capabilities, deleted_text=text
        )

    def _is_own(self, record: Record) -> bool:
        if record.kind != MESSAGE or not self.client.user or self.client.user not in record.text:
            return False
        decoded = json.loads(record.text)
        return decoded["user"]["id"] == self.client.user and (
            decoded["id"] in self.own or decoded["text"] == self.saying
        )

    def _text_of(self, message: str) -> str:
        for record in reversed(self.room.ring):
            if message in record.text and record.kind == MESSAGE:
                decoded = json.loads(record.text)
                if decoded["id"] == message:
                    return str(decoded["text"])
        return ""
