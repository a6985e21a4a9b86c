"""A publishing client's connection, the server's side: a state machine without I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import ClassVar

from streaming.flv.amf0 import Value
from streaming.flv.tag import Tag, TagType
from streaming.rtmp import message as messages
from streaming.rtmp.chunk import MAX_MESSAGE, ChunkReader, ChunkWriter
from streaming.rtmp.errors import MessageError
from streaming.rtmp.events import Connected, Event, Metadata, PublishRequested, Unpublished
from streaming.rtmp.handshake import ServerHandshake
from streaming.rtmp.message import Command, Message, MessageType, UserControl

APP = "live"
CHUNK_SIZE = 4096
WINDOW = 2_500_000
"""Bytes either side may send before it wants an acknowledgement."""
MIN_WINDOW = 4096
MAX_WINDOW = 0x7FFFFFFF
MAX_TEXT = 64 * 1024
"""Bytes of a command or data message, and of any message before publishing was asked for."""

CONTROL_CHUNKS = 2
COMMAND_CHUNKS = 3
STATUS_CHUNKS = 5
STREAM = 1
"""The one message stream a connection gets."""

# Enhanced RTMP v2, connect: what is carried on to viewers without being decoded here
CAN_FORWARD = 4
VIDEO_FOURCCS = ("avc1", "hvc1", "av01")
AUDIO_FOURCCS = ("mp4a",)


class State(Enum):
    """Where a connection stands."""

    HANDSHAKE = "handshake"
    STARTED = "started"
    CONNECTED = "connected"
    ASKED = "asked"
    """PublishRequested was handed out and not answered yet."""
    PUBLISHING = "publishing"
    CLOSED = "closed"
    """Refused: what comes now is ignored, and the owner closes the socket once everything was sent."""


class ServerConnection:
    """Bytes in, events out, bytes to send. `random` is 1528 bytes for the handshake.

    Any error out of `receive_data` ends the connection.
    """

    def __init__(self, random: bytes) -> None:
        self.state = State.HANDSHAKE
        self.client = ""
        self.received = 0
        self._handshake = ServerHandshake(random)
        self._reader = ChunkReader(MAX_TEXT)
        self._writer = ChunkWriter()
        self._out = bytearray()
        self._window = WINDOW
        self._last_acknowledgement = 0
        self._timestamp: int | None = None

    def receive_data(self, data: bytes) -> list[Event]:
        """Take bytes from the peer: what they mean for the owner, in order. Raises RtmpError."""
        self.received += len(data)
        if self.state is State.HANDSHAKE:
            answer, data = self._handshake.receive(data)
            self._out += answer
            if not self._handshake.done:
                return []
            self.state = State.STARTED
        events = [event for message in self._reader.feed(data) for event in self._handle(message)]
        # RTMP 1.0 5.4.3: acknowledge each window's worth
        if self.received - self._last_acknowledgement >= self._window:
            self._last_acknowledgement = self.received
            self._send(CONTROL_CHUNKS, messages.acknowledgement(self.received))
        return events

    def data_to_send(self) -> bytes:
        """What to send to the peer now; asked once, it is handed over."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def accept_publish(self) -> None:
        """Answer PublishRequested: the broadcast is on."""
        if self.state is not State.ASKED:
            return
        self.state = State.PUBLISHING
        self._send(CONTROL_CHUNKS, messages.user_control(UserControl.STREAM_BEGIN, STREAM.to_bytes(4, "big")))
        self._status("status", "NetStream.Publish.Start", "You are live.")

    def refuse_publish(self, description: str, code: str = "NetStream.Publish.BadName") -> None:
        """Answer PublishRequested with a sentence for the streamer, or end a publication with one.

        librtmp, which OBS is built on, logs the sentence of this code and closes.
        """
        if self.state is State.CLOSED:
            return
        self._status("error", code, description)
        self.state = State.CLOSED

    def _handle(self, message: Message) -> Iterator[Event]:
        if self.state is State.CLOSED:
            return
        if message.type in (MessageType.AUDIO, MessageType.VIDEO):
            # also while ASKED: an encoder that does not wait for its answer sends its sequence headers now
            if self.state in (State.ASKED, State.PUBLISHING):
                yield Tag(TagType(message.type), self._unwrap(message.timestamp), message.body)
        elif message.type in (MessageType.COMMAND_AMF0, MessageType.COMMAND_AMF3):
            yield from self._command(messages.parse_command(self._short(message)))
        elif message.type in (MessageType.DATA_AMF0, MessageType.DATA_AMF3):
            yield from self._data(message)
        elif message.type == MessageType.AGGREGATE:
            for part in messages.split_aggregate(message):
                if part.type != MessageType.AGGREGATE:
                    yield from self._handle(part)
        else:
            self._control(message)

    def _control(self, message: Message) -> None:
        if message.type == MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE:
            self._window = min(max(messages.parse_uint32(message), MIN_WINDOW), MAX_WINDOW)
        elif message.type == MessageType.USER_CONTROL:
            event, data = messages.parse_user_control(message)
            if event == UserControl.PING_REQUEST:
                self._send(CONTROL_CHUNKS, messages.user_control(UserControl.PING_RESPONSE, data[:4]))

    @staticmethod
    def _short(message: Message) -> Message:
        if len(message.body) > MAX_TEXT:
            raise MessageError(f"a command or data message of {len(message.body)} bytes")
        return message

    def _unwrap(self, timestamp: int) -> int:
        """Modulo 2^32 to 64 bits: of the values it may mean, the one nearest to the last (RTMP 1.0 3, `timestamp`)."""
        if self._timestamp is None:
            self._timestamp = timestamp
        else:
            step = (timestamp - self._timestamp) & 0xFFFFFFFF
            self._timestamp += step - (1 << 32) if step >= 1 << 31 else step
        return self._timestamp

    def _data(self, message: Message) -> Iterator[Event]:
        values = messages.parse_values(self._short(message))
        if values[:1] == ["@setDataFrame"]:
            values = values[1:]
        if values[:1] == ["onMetaData"] and len(values) > 1 and isinstance(values[1], dict):
            yield Metadata(values[1])

    def _command(self, call: Command) -> Iterator[Event]:
        handler = self._COMMANDS.get(call.name)
        if handler is not None:
            yield from handler(self, call)
        elif call.transaction and call.name not in ("_checkbw", "_result", "_error"):
            self._answer_error(call, "NetConnection.Call.Failed", f"{call.name[:64]} does not exist here.")

    def _connect(self, call: Command) -> Iterator[Event]:
        if self.state is not State.STARTED:
            raise MessageError("a connection connects twice")
        properties = call.argument(0)
        if not isinstance(properties, dict):
            raise MessageError("connect without its command object")
        app = str(properties.get("app") or "").strip("/")
        if app != APP:
            self._answer_error(
                call,
                "NetConnection.Connect.InvalidApp",
                f"There is no application {app[:64]!r} here. The server's URL ends in /{APP}; the key goes beside it.",
            )
            self.state = State.CLOSED
            return
        self.client = str(properties.get("flashVer") or "")[:128]
        self._send(CONTROL_CHUNKS, messages.window_acknowledgement_size(WINDOW))
        self._send(CONTROL_CHUNKS, messages.set_peer_bandwidth(WINDOW))
        self._send(CONTROL_CHUNKS, messages.set_chunk_size(CHUNK_SIZE))
        self._writer.chunk_size = CHUNK_SIZE
        information: dict[str, Value] = {
            "level": "status",
            "code": "NetConnection.Connect.Success",
            "description": "Connected.",
            "objectEncoding": 0,
        }
        if any(name in properties for name in ("fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx")):
            information["capsEx"] = 0
            information["fourCcList"] = [*VIDEO_FOURCCS, *AUDIO_FOURCCS]
            information["videoFourCcInfoMap"] = dict.fromkeys(VIDEO_FOURCCS, CAN_FORWARD)
            information["audioFourCcInfoMap"] = dict.fromkeys(AUDIO_FOURCCS, CAN_FORWARD)
        self._answer(call, {"fmsVer": "FMS/3,0,1,123", "capabilities": 31}, information)
        self.state = State.CONNECTED
        yield Connected(app, self.client)

    def _create_stream(self, call: Command) -> Iterator[Event]:
        self._require_connect(call)
        self._answer(call, None, STREAM)
        yield from ()

    def _acknowledge(self, call: Command) -> Iterator[Event]:
        self._require_connect(call)
        if call.transaction:
            self._answer(call, None, None)
        yield from ()

    def _publish(self, call: Command) -> Iterator[Event]:
        self._require_connect(call)
        if self.state is not State.CONNECTED:
            raise MessageError("a connection publishes twice")
        name = call.argument(1)
        # encoders append their own parameters behind a question mark
        key = name.partition("?")[0].strip("/") if isinstance(name, str) else ""
        if not key:
            self.refuse_publish("The stream key is missing.")
            return
        self.state = State.ASKED
        # before the answer, for encoders that do not wait for it; until then the owner reads no further anyway
        self._reader.max_message = MAX_MESSAGE
        yield PublishRequested(key)

    def _unpublish(self, call: Command) -> Iterator[Event]:
        self._require_connect(call)
        if call.name == "FCUnpublish" and call.transaction:
            self._answer(call, None, None)
        if self.state in (State.ASKED, State.PUBLISHING):
            self.state = State.CONNECTED
            self._status("status", "NetStream.Unpublish.Success", "You are off.")
            self._timestamp = None
            yield Unpublished()

    def _play(self, call: Command) -> Iterator[Event]:
        self._require_connect(call)
        self.refuse_publish("Nothing is played over RTMP here: watch in a browser.", "NetStream.Play.Failed")
        yield from ()

    def _require_connect(self, call: Command) -> None:
        if self.state in (State.HANDSHAKE, State.STARTED):
            raise MessageError(f"{call.name} before connect")

    _COMMANDS: ClassVar[dict[str, Callable[[ServerConnection, Command], Iterator[Event]]]] = {
        "connect": _connect,
        "createStream": _create_stream,
        "releaseStream": _acknowledge,
        "FCPublish": _acknowledge,
        "publish": _publish,
        "FCUnpublish": _unpublish,
        "deleteStream": _unpublish,
        "closeStream": _unpublish,
        "play": _play,
    }

    def _answer(self, call: Command, *values: Value) -> None:
        self._send(COMMAND_CHUNKS, messages.command(Command("_result", call.transaction, values)))

    def _answer_error(self, call: Command, code: str, description: str) -> None:
        information: dict[str, Value] = {"level": "error", "code": code, "description": description}
        self._send(COMMAND_CHUNKS, messages.command(Command("_error", call.transaction, (None, information))))

    def _status(self, level: str, code: str, description: str) -> None:
        information: dict[str, Value] = {"level": level, "code": code, "description": description}
        self._send(STATUS_CHUNKS, messages.command(Command("onStatus", 0, (None, information)), STREAM))

    def _send(self, number: int, message: Message) -> None:
        self._out += self._writer.write(number, message)
