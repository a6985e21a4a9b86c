from __future__ import annotations

import pytest

from streaming.rtmp.errors import HandshakeError
from streaming.rtmp.handshake import ServerHandshake

C1 = bytes.fromhex("00000007 00000000") + bytes(range(191)) * 8
RANDOM = bytes(1527) + b"r"


def test_s1_carries_the_random_bytes_and_s2_echoes_c1() -> None:
    answer, rest = ServerHandshake(RANDOM).receive(b"\x03" + C1)
    assert (answer[0], answer[1:9], answer[9:1537]) == (3, bytes(8), RANDOM)
    assert answer[1537:1541] + answer[1545:] == C1[:4] + C1[8:]
    assert (len(answer), rest) == (3073, b"")


def test_any_cut_gives_the_same_answer_and_leaves_the_rest() -> None:
    data = b"\x03" + C1 + bytes(1536) + b"chunks"
    for cut in (1, 2, 1000, 1537, 1538, 3073, 3074, len(data)):
        handshake = ServerHandshake(RANDOM)
        first, left = handshake.receive(data[:cut])
        if handshake.done:
            assert left == data[3073:cut]
            continue
        second, rest = handshake.receive(data[cut:])
        assert (len(first + second), left, rest, handshake.done) == (3073, b"", b"chunks", True)


def test_another_version_is_refused_at_its_byte() -> None:
    with pytest.raises(HandshakeError, match="version 71"):
        ServerHandshake(RANDOM).receive(b"GET / HTTP/1.1")
