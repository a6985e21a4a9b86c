"""A publishing client, bytes only: what the tests drive a server connection with."""

from __future__ import annotations

from streaming.flv import amf0
from streaming.flv.tag import Tag, TagType
from streaming.rtmp.chunk import ChunkReader, ChunkWriter
from streaming.rtmp.message import Command, Message, MessageType, command, parse_command, set_chunk_size

HANDSHAKE = 1 + 2 * 1536


class Client:
    """Builds what an encoder sends and reads what the server answers."""

    def __init__(self) -> None:
        self.writer = ChunkWriter()
        self.reader = ChunkReader()
        self.messages: list[Message] = []
        self._greeting = bytearray()

    def hello(self) -> bytes:
        """C0 and C1."""
        return b"\x03" + bytes(8) + bytes(range(256)) * 5 + bytes(248)

    def echo(self) -> bytes:
        """C2. Not made from S1: servers do not compare it."""
        return bytes(1536)

    def receive(self, data: bytes) -> list[Message]:
        """Take what the server sent: its new messages, the handshake left out."""
        if len(self._greeting) < HANDSHAKE:
            self._greeting += data
            data = bytes(self._greeting[HANDSHAKE:])
            del self._greeting[HANDSHAKE:]
        found = list(self.reader.feed(data))
        self.messages += found
        return found

    def commands(self) -> list[Command]:
        """All commands the server sent so far."""
        return [parse_command(message) for message in self.messages if message.type == MessageType.COMMAND_AMF0]

    def statuses(self) -> list[tuple[str, str]]:
        """Code and description of each onStatus and error so far."""
        answers = [call.argument(1) for call in self.commands() if call.name in ("onStatus", "_error")]
        return [(str(said["code"]), str(said["description"])) for said in answers if isinstance(said, dict)]

    def call(self, name: str, transaction: float, *arguments: amf0.Value, stream: int = 0) -> bytes:
        return self.writer.write(3, command(Command(name, transaction, arguments), stream))

    def chunk_size(self, size: int) -> bytes:
        out = self.writer.write(2, set_chunk_size(size))
        self.writer.chunk_size = size
        return out

    def connect(self, app: str = "live", **properties: amf0.Value) -> bytes:
        said: dict[str, amf0.Value] = {"app": app, "type": "nonprivate", "flashVer": "FMLE/3.0", **properties}
        return self.call("connect", 1, said)

    def publish(self, key: str) -> bytes:
        """Everything between connect and the server's answer to publish."""
        return (
            self.call("releaseStream", 2, None, key)
            + self.call("FCPublish", 3, None, key)
            + self.call("createStream", 4, None)
            + self.call("publish", 5, None, key, "live", stream=1)
        )

    def metadata(self, **values: amf0.Value) -> bytes:
        body = amf0.encode("@setDataFrame", "onMetaData", amf0.EcmaArray(values))
        return self.writer.write(4, Message(MessageType.DATA_AMF0, 1, 0, body))

    def tag(self, tag: Tag) -> bytes:
        number = 6 if tag.type is TagType.VIDEO else 4
        return self.writer.write(number, Message(tag.type, 1, tag.timestamp & 0xFFFFFFFF, tag.body))

    def unpublish(self, key: str) -> bytes:
        return self.call("FCUnpublish", 6, None, key) + self.call("deleteStream", 7, None, 1)
