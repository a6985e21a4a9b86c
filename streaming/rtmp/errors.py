"""What can go wrong with an RTMP peer.

RtmpError
├── HandshakeError    the first 3073 bytes are not a handshake
├── ChunkError        chunk framing is broken, or a limit on it was passed
└── MessageError      a message breaks its format, or came where none like it may come

Each ends its connection: behind a broken chunk nothing can be trusted.
"""

from __future__ import annotations


class RtmpError(ValueError):
    """Base of everything this package raises."""


class HandshakeError(RtmpError):
    """The peer does not begin like an RTMP client."""


class ChunkError(RtmpError):
    """Chunks cannot be put together any more; `chunk_stream` is where, -1 before one was named."""

    def __init__(self, message: str, chunk_stream: int = -1) -> None:
        super().__init__(message)
        self.chunk_stream = chunk_stream


class MessageError(RtmpError):
    """A message breaks its format, or came where none like it may come."""
