"""RTMP chunks: messages are cut into them and interleaved (RTMP 1.0 5.3).

Set Chunk Size and Abort belong to this layer: the reader obeys them itself, exactly where they stand between chunks.
"""

from __future__ import annotations

from collections.abc import Iterator

from streaming.rtmp.errors import ChunkError
from streaming.rtmp.message import Message, MessageType, parse_uint32

DEFAULT_CHUNK_SIZE = 128
MAX_CHUNK_SIZE = 0xFFFFFF
"""5.4.1: larger sizes mean the same, since no message is longer."""
MAX_MESSAGE = 0xFFFFFF
MAX_CHUNK_STREAMS = 64
EXTENDED = 0xFFFFFF
EXTENDED_MARK = b"\xff\xff\xff"
MODULO = 1 << 32


class _Incoming:
    """What the next header of a chunk stream may leave out, and the message being put together."""

    __slots__ = ("body", "delta", "extended", "length", "open", "stream", "timestamp", "type")

    def __init__(self) -> None:
        self.timestamp = 0
        self.delta = 0
        self.length = 0
        self.type = 0
        self.stream = 0
        self.extended = b""
        """The extended timestamp field of the last header; empty when it had none."""
        self.body = bytearray()
        self.open = False


class ChunkReader:
    """Bytes in, whole messages out.

    `max_message` bounds one message, and all unfinished ones together; there are at most MAX_CHUNK_STREAMS.
    """

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self.max_message = max_message
        self.chunk_size = DEFAULT_CHUNK_SIZE
        self._buffer = bytearray()
        self._streams: dict[int, _Incoming] = {}
        self._unfinished = 0
        """How many bytes the messages that have begun will have."""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take the next bytes and yield the messages they complete; consume it before the next call.

        Raises ChunkError.
        """
        self._buffer += data
        at = 0
        try:
            while True:
                end, message = self._chunk(at)
                if end == at:
                    return
                at = end
                if message is None:
                    continue
                if message.type == MessageType.SET_CHUNK_SIZE:
                    self._set_chunk_size(message)
                elif message.type == MessageType.ABORT:
                    self._abort(message)
                else:
                    yield message
        finally:
            del self._buffer[:at]

    def _chunk(self, start: int) -> tuple[int, Message | None]:
        """Read a chunk: where the next one starts (`start` while bytes are missing), and the message that it ends."""
        buffer, available = self._buffer, len(self._buffer)
        basic = _read_basic_header(buffer, start)
        if basic is None:
            return start, None
        kind, number, header = basic
        incoming = self._streams.get(number)
        if incoming is None:
            incoming = self._first(kind, number)
        if incoming.open and kind != 3:
            raise ChunkError(f"a message begins inside another one on chunk stream {number}", number)
        at = self._repeated(incoming, header) if kind == 3 else self._header_end(kind, header)
        if at < 0:
            return start, None
        length = int.from_bytes(buffer[header + 3 : header + 6], "big") if kind < 2 else incoming.length
        if not incoming.open:
            self._bound(number, length)
        size = min(self.chunk_size, length - len(incoming.body))
        if at + size > available:
            return start, None
        if not incoming.open:
            self._streams[number] = incoming
            self._open(incoming, kind, header)
        incoming.body += buffer[at : at + size]
        end = at + size
        if number < 64 and not incoming.extended:
            end = self._run(incoming, number, end)
        return end, self._complete(incoming)

    def _run(self, incoming: _Incoming, number: int, at: int) -> int:
        """Take the chunks of type 3 that follow with nothing between them: what most of all bytes come in."""
        buffer, body, length, available = self._buffer, incoming.body, incoming.length, len(self._buffer)
        basic_header = 0xC0 | number
        while (left := length - len(body)) > 0:
            end = at + 1 + min(self.chunk_size, left)
            if end > available or buffer[at] != basic_header:
                break
            body += buffer[at + 1 : end]
            at = end
        return at

    def _first(self, kind: int, number: int) -> _Incoming:
        # a first header must be of type 0; librtmp begins with type 1 on some streams, and nothing is lost by it
        if kind > 1:
            raise ChunkError(f"chunk stream {number} begins with a header of type {kind}", number)
        if len(self._streams) >= MAX_CHUNK_STREAMS:
            raise ChunkError(f"more than {MAX_CHUNK_STREAMS} chunk streams", number)
        return _Incoming()

    def _header_end(self, kind: int, at: int) -> int:
        """Where the payload begins behind a message header of type 0, 1 or 2; -1 while bytes are missing."""
        end = at + (11, 7, 3)[kind]
        if self._buffer[at : at + 3] == EXTENDED_MARK:
            end += 4
        return end if end <= len(self._buffer) else -1

    def _repeated(self, incoming: _Incoming, at: int) -> int:
        """Where the payload begins in a chunk of type 3; -1 while bytes are missing.

        The extended timestamp is repeated there (5.3.1.3), but some encoders leave it out, so it is taken only where
        it is the same.
        """
        field = incoming.extended
        if not field:
            return at
        found = self._buffer[at : at + 4]
        if found == field:
            return at + 4
        return -1 if field.startswith(found) else at

    def _bound(self, number: int, length: int) -> None:
        if length > self.max_message:
            raise ChunkError(f"a message of {length} bytes, more than {self.max_message}", number)
        if self._unfinished + length > self.max_message:
            raise ChunkError(f"unfinished messages of more than {self.max_message} bytes", number)

    def _open(self, incoming: _Incoming, kind: int, at: int) -> None:
        """Begin a message by the header at `at`, which is complete."""
        buffer = self._buffer
        if kind != 3:
            field = buffer[at : at + 3]
            incoming.extended = b""
            if field == EXTENDED_MARK:
                end = at + (11, 7, 3)[kind]
                field = buffer[end : end + 4]
                incoming.extended = bytes(field)
            # 5.3.1.2.4: a message that begins with type 3 right behind type 0 has its timestamp as delta
            incoming.delta = int.from_bytes(field, "big")
        if kind < 2:
            incoming.length = int.from_bytes(buffer[at + 3 : at + 6], "big")
            incoming.type = buffer[at + 6]
        if kind == 0:
            incoming.timestamp = incoming.delta
            incoming.stream = int.from_bytes(buffer[at + 7 : at + 11], "little")
        else:
            incoming.timestamp = (incoming.timestamp + incoming.delta) % MODULO
        incoming.open = True
        self._unfinished += incoming.length

    def _complete(self, incoming: _Incoming) -> Message | None:
        if len(incoming.body) < incoming.length:
            return None
        message = Message(incoming.type, incoming.stream, incoming.timestamp, bytes(incoming.body))
        self._discard(incoming)
        return message

    def _discard(self, incoming: _Incoming) -> None:
        if incoming.open:
            self._unfinished -= incoming.length
        incoming.body = bytearray()
        incoming.open = False

    def _set_chunk_size(self, message: Message) -> None:
        size = parse_uint32(message)
        if not 1 <= size < 1 << 31:
            raise ChunkError(f"a chunk size of {size}")
        self.chunk_size = min(size, MAX_CHUNK_SIZE)

    def _abort(self, message: Message) -> None:
        incoming = self._streams.get(parse_uint32(message))
        if incoming is not None:
            self._discard(incoming)


class _Outgoing:
    __slots__ = ("delta", "last")

    def __init__(self, last: Message) -> None:
        self.last = last
        self.delta = last.timestamp


class ChunkWriter:
    """Messages in, bytes out, with the shortest header that says it. The caller announces changes of `chunk_size`."""

    def __init__(self) -> None:
        self.chunk_size = DEFAULT_CHUNK_SIZE
        self._streams: dict[int, _Outgoing] = {}

    def write(self, number: int, message: Message) -> bytes:
        """The chunks of a message on chunk stream `number` (2 to 65,599), not interleaved with others."""
        kind, stamp = self._choose(number, message)
        field = min(stamp, EXTENDED).to_bytes(3, "big")
        extended = stamp.to_bytes(4, "big") if stamp >= EXTENDED else b""
        length = len(message.body).to_bytes(3, "big")
        head = bytearray(_basic_header(kind, number))
        if kind < 3:
            head += field
        if kind < 2:
            head += length + bytes((message.type,))
        if kind == 0:
            head += message.stream.to_bytes(4, "little")
        out = head + extended + message.body[: self.chunk_size]
        continuation = _basic_header(3, number) + extended
        for at in range(self.chunk_size, len(message.body), self.chunk_size):
            out += continuation
            out += message.body[at : at + self.chunk_size]
        return bytes(out)

    def _choose(self, number: int, message: Message) -> tuple[int, int]:
        """Header type and timestamp field of the message's first chunk."""
        outgoing = self._streams.get(number)
        if outgoing is None:
            self._streams[number] = _Outgoing(message)
            return 0, message.timestamp
        last = outgoing.last
        outgoing.last = message
        delta = (message.timestamp - last.timestamp) % MODULO
        if last.stream != message.stream or delta >= MODULO // 2:
            outgoing.delta = message.timestamp
            return 0, message.timestamp
        same_delta = delta == outgoing.delta
        outgoing.delta = delta
        if (last.type, len(last.body)) != (message.type, len(message.body)):
            return 1, delta
        return (3 if same_delta else 2), delta


def _read_basic_header(buffer: bytearray, at: int) -> tuple[int, int, int] | None:
    """Header type, chunk stream id, and where the message header begins; None while bytes are missing (5.3.1.1)."""
    if at >= len(buffer):
        return None
    kind, number = buffer[at] >> 6, buffer[at] & 0x3F
    if number >= 2:
        return kind, number, at + 1
    # 0 and 1 announce ids of two and three bytes, the latter with its low byte first
    end = at + 2 + number
    if end > len(buffer):
        return None
    return kind, 64 + int.from_bytes(buffer[at + 1 : end], "little"), end


def _basic_header(kind: int, number: int) -> bytes:
    if 2 <= number < 64:
        return bytes((kind << 6 | number,))
    if 64 <= number < 320:
        return bytes((kind << 6, number - 64))
    if 320 <= number < 65_600:
        return bytes((kind << 6 | 1,)) + (number - 64).to_bytes(2, "little")
    raise ChunkError(f"chunk stream {number} does not exist", number)
