"""RTMP messages: their types, and the bodies of those that are not media (RTMP 1.0 5.4, 6.2, 7.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from streaming.flv import amf0
from streaming.flv.errors import Amf0Error
from streaming.rtmp.errors import MessageError


class MessageType(IntEnum):
    """RTMP 1.0 5.4 and 7.1."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_ACKNOWLEDGEMENT_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA_AMF0 = 18
    COMMAND_AMF0 = 20
    AGGREGATE = 22


class UserControl(IntEnum):
    """RTMP 1.0 7.1.7."""

    STREAM_BEGIN = 0
    STREAM_EOF = 1
    SET_BUFFER_LENGTH = 3
    PING_REQUEST = 6
    PING_RESPONSE = 7


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message. `timestamp` is in ms, 32 bits, as it stands on the wire."""

    type: int
    stream: int
    timestamp: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `arguments` begins with the command object (often None)."""

    name: str
    transaction: float
    arguments: tuple[amf0.Value, ...] = ()

    def argument(self, at: int) -> amf0.Value:
        """The argument at this place, None when the sender left it out."""
        return self.arguments[at] if at < len(self.arguments) else None


def parse_uint32(message: Message) -> int:
    """The one number of a protocol control message. Raises MessageError."""
    if len(message.body) < 4:
        raise MessageError(f"a control message of type {message.type} is cut off")
    return int.from_bytes(message.body[:4], "big")


def parse_user_control(message: Message) -> tuple[int, bytes]:
    """Event type and event data. Raises MessageError."""
    if len(message.body) < 2:
        raise MessageError("a user control message is cut off")
    return int.from_bytes(message.body[:2], "big"), message.body[2:]


def parse_values(message: Message) -> list[amf0.Value]:
    """The AMF values of a command or data message. Raises MessageError."""
    body = message.body
    if message.type in (MessageType.COMMAND_AMF3, MessageType.DATA_AMF3) and body[:1] == b"\x00":
        # what claims to be AMF 3 begins with a format selector, and 0 says that AMF 0 follows
        body = body[1:]
    try:
        return amf0.decode(body)
    except Amf0Error as error:
        raise MessageError(str(error)) from error


def parse_command(message: Message) -> Command:
    """A command message. Raises MessageError."""
    values = parse_values(message)
    if not values or not isinstance(values[0], str):
        raise MessageError("a command has no name")
    transaction = values[1] if len(values) > 1 else 0.0
    if isinstance(transaction, bool) or not isinstance(transaction, int | float):
        raise MessageError(f"the command {values[0][:64]!r} has no transaction number")
    return Command(values[0], float(transaction), tuple(values[2:]))


def split_aggregate(message: Message) -> Iterator[Message]:
    """The audio, video and data messages an aggregate carries (RTMP 1.0 7.1.6). Raises MessageError.

    Inside, each looks like an FLV tag; the difference between the aggregate's timestamp and the first one's moves all.
    """
    body, at, offset = message.body, 0, None
    while at < len(body):
        head = body[at : at + 11]
        size = int.from_bytes(head[1:4], "big")
        end = at + 11 + size
        if len(head) < 11 or end > len(body):
            raise MessageError("an aggregate message ends inside one of its messages")
        stamp = int.from_bytes(head[7:8] + head[4:7], "big")
        if offset is None:
            offset = message.timestamp - stamp
        yield Message(head[0], message.stream, (stamp + offset) & 0xFFFFFFFF, body[at + 11 : end])
        at = end + 4


def set_chunk_size(size: int) -> Message:
    return Message(MessageType.SET_CHUNK_SIZE, 0, 0, size.to_bytes(4, "big"))


def acknowledgement(received: int) -> Message:
    """`received` counts all bytes so far; on the wire it wraps at 2^32."""
    return Message(MessageType.ACKNOWLEDGEMENT, 0, 0, (received & 0xFFFFFFFF).to_bytes(4, "big"))


def window_acknowledgement_size(size: int) -> Message:
    return Message(MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, size.to_bytes(4, "big"))


def set_peer_bandwidth(size: int) -> Message:
    dynamic = 2
    return Message(MessageType.SET_PEER_BANDWIDTH, 0, 0, size.to_bytes(4, "big") + bytes((dynamic,)))


def user_control(event: UserControl, data: bytes) -> Message:
    return Message(MessageType.USER_CONTROL, 0, 0, event.to_bytes(2, "big") + data)


def command(command: Command, stream: int = 0) -> Message:
    body = amf0.encode(command.name, command.transaction, *command.arguments)
    return Message(MessageType.COMMAND_AMF0, stream, 0, body)
