"""One IRC connection in one room."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from chat import process
from chat.bus.layout import MESSAGE
from chat.bus.log import Record
from chat.facts import Facts
from chat.hub.frame import Frame
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

    def send_frame(self, frame: Frame) -> None:
        """Sends a frame made by `frame_of`. It must not wait."""

    def part(self, name: str) -> None:
        """Leaves a room, and says so."""


def frame_of(lines: Sequence[str]) -> Frame:
    """Lines as they travel."""
    return Frame("\r\n".join(lines) + "\r\n")


class Lines:
    """A batch for one set of capabilities: the lines of each record, and all of them in frames."""

    __slots__ = ("frames", "of_records")

    def __init__(self, of_records: list[list[str]]) -> None:
        self.of_records = of_records
        self.frames = frames_of(line for lines in of_records for line in lines)


def frames_of(lines: Iterable[str]) -> list[Frame]:
    """Lines in as few frames as may be."""
    every = list(lines)
    return [frame_of(every[first : first + LINES]) for first in range(0, len(every), LINES)]


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
        """Sends a batch: its frames are made once for each set of capabilities, and for who hears it without their own
        words."""
        capabilities = self.client.capabilities
        lines = batch.encoded.get(capabilities)
        if lines is None:
            lines = batch.encoded[capabilities] = Lines([self._lines(record, capabilities) for record in batch.records])
        assert isinstance(lines, Lines)
        own = [self._is_own(record) for record in batch.records]
        frames = lines.frames
        if any(own):
            others = zip(lines.of_records, own, strict=True)
            frames = frames_of(line for texts, is_own in others if not is_own for line in texts)
        for frame in frames:
            self.client.send_frame(frame)

    def room_changed(self, facts: Facts) -> None:
        """Tells the modes that changed."""
        tags = translate.room_tags(facts)
        changed = {name: value for name, value in tags.items() if self._modes.get(name) != value}
        self._modes = tags
        if changed and self.client.capabilities.commands:
            self.client.send(translate.room_state(self.channel, self.room.room, changed, self.client.capabilities))

    def room_closed(self) -> None:
        """Leaves it."""
        self.client.part(self.channel)

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
