"""RTP packets (RFC 3550 5.1), as far as a receiver of one encoder's two streams needs them. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

HEADER = struct.Struct("!BBHII")
EXTENSION = struct.Struct("!HH")
NUMBER = struct.Struct("!H")
ONE_BYTE, TWO_BYTES = 0xBEDE, 0x1000
"""How a header extension's elements are written (RFC 8285 4.2, 4.3)."""


@dataclass(slots=True)
class RtpPacket:
    """`number` has 16 bits, `time` 32, in ticks of the stream's clock; `padding` is in bytes.

    `sent` is when it was sent, by the sender's clock, in 2^-18 s modulo 64 s, where it says so (abs-send-time).
    """

    payload_type: int
    marker: bool
    number: int
    time: int
    ssrc: int
    payload: bytes
    padding: int = 0
    sent: int | None = None


def parse(data: bytes, *, send_time: int = 0) -> RtpPacket:
    """Read a packet; `send_time` is the extension element that has abs-send-time, 0 for none. Raises ValueError."""
    if len(data) < HEADER.size:
        raise ValueError("an RTP packet has 12 bytes at least")
    flags, kind, number, time, ssrc = HEADER.unpack_from(data)
    if flags >> 6 != 2:
        raise ValueError("this is no RTP of version 2")
    begin, end = HEADER.size + 4 * (flags & 0x0F), len(data)
    sent = None
    if flags & 0x10:
        if begin + EXTENSION.size > end:
            raise ValueError("the header extension is cut off")
        form, words = EXTENSION.unpack_from(data, begin)
        begin += EXTENSION.size
        if send_time:
            sent = _element(data[begin : begin + 4 * words], form, send_time)
        begin += 4 * words
    padding = data[-1] if flags & 0x20 else 0
    if begin + padding > end or (flags & 0x20 and not padding):
        raise ValueError("header and padding are longer than the packet")
    return RtpPacket(kind & 0x7F, kind > 0x7F, number, time, ssrc, data[begin : end - padding], padding, sent)


def resent(packet: RtpPacket) -> RtpPacket | None:
    """What a retransmission carries (RFC 4588 4): the original's number, then its payload. None for mere padding."""
    if len(packet.payload) < NUMBER.size:
        return None
    (number,) = NUMBER.unpack_from(packet.payload)
    return replace(packet, number=number, payload=packet.payload[NUMBER.size :])


def _element(extension: bytes, form: int, wanted: int) -> int | None:
    """The value of a header extension's element of 3 bytes, None where it isn't there (RFC 8285 4.2, 4.3)."""
    at, end = 0, len(extension)
    while at < end:
        head = extension[at]
        if head == 0:  # padding
            at += 1
            continue
        if form == ONE_BYTE:
            number, size = head >> 4, (head & 0x0F) + 1
            at += 1
        elif form == TWO_BYTES and at + 1 < end:
            number, size = head, extension[at + 1]
            at += 2
        else:
            return None
        if number == wanted:
            return int.from_bytes(extension[at : at + size], "big") if size == 3 and at + size <= end else None
        at += size
    return None
