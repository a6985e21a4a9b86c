"""The edge of a socket: slow readers, other servers, bytes that are no chat."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from chat.bus import posting
from chat.bus.layout import MESSAGE
from streaming.bus.redis import AsyncValkey
from tests.chat.conftest import Connect, Server, cookie_of, serve
from tests.settings import STATE_URL

pytestmark = pytest.mark.django_db(transaction=True)


async def test_daphne_serves_the_same_rooms(
    session_folder: Path, web: Server, alice: User, bobby: User, enter: Connect
) -> None:
    with serve(session_folder, "daphne") as daphne:
        here = await enter(daphne, alice.username, cookie=await database_sync_to_async(cookie_of)(bobby))
        there = await enter(web, alice.username)
        assert (await here.say("through daphne"))["stored"]
        for side in (here, there):
            assert (await side.messages(1))[0]["text"] == "through daphne"


def drained(peer: socket.socket) -> bytearray:
    """All that comes until the other side closes, or says that it will: it would wait for our word on it."""
    received = bytearray()
    with peer:
        peer.settimeout(20)
        while not received.endswith(b"slow") and (chunk := peer.recv(65_536)):
            received += chunk
    return received


async def test_a_slow_reader_is_closed_and_others_are_not(web: Server, alice: User, enter: Connect) -> None:
    fast = await enter(web, alice.username)
    slow = socket.socket()
    # Set before it connects, or the kernel lets the buffers of both sides grow until they hold all that is sent.
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    slow.connect(("127.0.0.1", web.port))
    slow.sendall(
        f"GET /ws/chat/{alice.username}/ HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
    )
    assert await asyncio.to_thread(slow.recv, 12) == b"HTTP/1.1 101"
    valkey = AsyncValkey(STATE_URL)
    body = '"type":"message","text":"' + "x" * 60_000 + '"}'
    count = 150  # 9 MB: more than a megabyte in our hands and what the kernel takes besides
    heard: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        await valkey.run(posting.append(str(alice.channel.pk), body=body, epoch="0" * 15, kind=MESSAGE))
        if number % 10 == 0:  # never more than 600 kB behind, however busy the machine
            heard += await fast.messages(number - len(heard), seconds=20)
    await valkey.aclose()
    assert [message["offset"] for message in heard] == list(range(1, count + 1))
    received = await asyncio.to_thread(drained, slow)
    assert received.rstrip().endswith(b"slow")
    assert len(received) < count * 60_000


@pytest.mark.parametrize(
    "raw",
    [
        b"\x81\x84" + bytes(4) + b"\xff\xfe\xfd\xfc",  # text that is not UTF-8
        b"\x81\xff" + (2**40).to_bytes(8, "big") + bytes(4),  # a terabyte is announced
        b"\xf1\x80" + bytes(4),  # reserved bits
        bytes(range(200, 256)) * 9,  # no frame at all
    ],
)
async def test_broken_frames_close_only_their_own_socket(
    web: Server, alice: User, bobby: User, enter: Connect, raw: bytes
) -> None:
    good = await enter(web, alice.username, cookie=await database_sync_to_async(cookie_of)(bobby))
    bad = await enter(web, alice.username)
    bad.connection.transport.write(raw)
    with pytest.raises(ConnectionClosed):
        await bad.get("never")
    assert (await good.say("still here"))["type"] == "ack"
