"""The plain RTMP handshake (RTMP 1.0 5.2), the server's side.

S1 says version 0.0.0.0, which tells clients that know the undocumented signed handshake not to look for a signature.
"""

from __future__ import annotations

from streaming.rtmp.errors import HandshakeError

VERSION = 3
PACKET = 1536
RANDOM = PACKET - 8


class ServerHandshake:
    """C0, C1 and C2 in; S0, S1 and S2 out. `random` is S1's 1528 bytes."""

    def __init__(self, random: bytes) -> None:
        if len(random) != RANDOM:
            raise HandshakeError(f"S1 needs {RANDOM} random bytes, not {len(random)}")
        self._random = random
        self._buffer = bytearray()
        self._answered = False
        self.done = False

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """Take what the client sent: what to send back, and what is left over for the chunk reader once `done`.

        C2 is not compared with S1: the specification asks for an echo, but nothing hangs on it, and some encoders
        send something else. Raises HandshakeError.
        """
        self._buffer += data
        if self._buffer and self._buffer[0] != VERSION:
            # RTMP 1.0 5.2.2: a server that does not know the version may answer with 3; no client has another one
            raise HandshakeError(f"RTMP version {self._buffer[0]} is not spoken here")
        answer = b""
        if not self._answered and len(self._buffer) >= 1 + PACKET:
            c1 = bytes(self._buffer[1 : 1 + PACKET])
            s1 = bytes(8) + self._random
            # 5.2.4: S2 echoes C1's time and random bytes; its second time field is when C1 was read, which is S1's 0
            s2 = c1[:4] + bytes(4) + c1[8:]
            answer = bytes((VERSION,)) + s1 + s2
            self._answered = True
        if self._answered and len(self._buffer) >= 1 + 2 * PACKET:
            rest = bytes(self._buffer[1 + 2 * PACKET :])
            self._buffer.clear()
            self.done = True
            return answer, rest
        return answer, b""
