"""Reading bit fields and Exp-Golomb codes (ITU-T H.264 clause 9.1) out of parameter sets."""

from __future__ import annotations

from .errors import CodecError

MAX_BYTES = 4096
"""Real parameter sets are a few hundred bytes; a longer one is cut here, so that reading it stays cheap."""
MAX_ZEROS = 32
"""An Exp-Golomb prefix may have at most this many zeros (ITU-T H.264 9.1: values of 32 bits)."""


class BitReader:
    """Reads most significant bit first. Every read past the end raises `CodecError`."""

    def __init__(self, codec: str, data: bytes | memoryview) -> None:
        data = bytes(data[:MAX_BYTES])
        self._codec = codec
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def bits(self, count: int) -> int:
        """The next `count` bits as an unsigned number."""
        if count > self._left:
            raise CodecError(self._codec, "parameter set is cut short")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        """The next bit."""
        return self.bits(1) == 1

    def ue(self) -> int:
        """An unsigned Exp-Golomb code, ue(v)."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > MAX_ZEROS:
                raise CodecError(self._codec, "an Exp-Golomb code of more than 32 bits")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code, se(v)."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def unescape(nal: bytes | memoryview) -> bytes:
    """A NAL unit's payload without its emulation prevention bytes (ITU-T H.264 7.3.1, H.265 7.3.1.1)."""
    out = bytearray()
    zeros = 0
    for byte in bytes(nal[:MAX_BYTES]):
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    return bytes(out)
