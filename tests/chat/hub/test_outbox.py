"""What waits for one socket is bounded, and stays in order."""

import asyncio
from typing import Any

from chat.hub.outbox import MOST_BYTES, SLOW, Outbox


class Peer:
    """A server's `send` that waits while `open` is not set, as with a full transport."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.got: list[dict[str, Any]] = []

    async def send(self, event: dict[str, Any]) -> None:
        if event["type"] == "websocket.send":
            await self.open.wait()
        self.got.append(event)

    @property
    def texts(self) -> list[str]:
        return [event["text"] for event in self.got if "text" in event]


async def test_a_ready_socket_gets_its_frame_at_once() -> None:
    peer = Peer()
    Outbox(peer.send).put("x")
    assert peer.texts == ["x"]


async def test_frames_wait_in_order_behind_a_slow_one() -> None:
    peer = Peer()
    outbox = Outbox(peer.send)
    peer.open.clear()
    for number in range(5):
        assert outbox.put(str(number))
    assert peer.texts == []
    peer.open.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert peer.texts == list("01234")
    outbox.put("5")
    assert peer.texts == list("012345")


async def test_ready_made_bytes_go_out_at_once_and_by_send_once_they_are_refused() -> None:
    peer = Peer()
    written: list[bytes] = []
    takes = True

    def write(frame: bytes) -> bool:
        if takes:
            written.append(frame)
        return takes

    outbox = Outbox(peer.send, write)
    outbox.put("é")
    assert (written, peer.texts) == ([b"\x81\x02\xc3\xa9"], [])
    takes = False
    peer.open.clear()
    outbox.put("1")
    takes = True
    outbox.put("2")  # it must not overtake
    assert len(written) == 1
    peer.open.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert peer.texts == ["1", "2"]
    outbox.put("3")
    assert written[1:] == [b"\x81\x013"]


async def test_a_socket_that_reads_too_slowly_is_closed_with_a_code_that_says_so() -> None:
    peer = Peer()
    outbox = Outbox(peer.send)
    peer.open.clear()
    text = "x" * (65_536 - 4)  # four bytes tell how long a frame is
    sent = 0
    while outbox.put(text):
        sent += 1
    assert sent == MOST_BYTES // 65_536 + 1  # the first is the server's already
    for _ in range(5):
        await asyncio.sleep(0)
    assert peer.got[-1] == {"type": "websocket.close", "code": SLOW, "reason": "slow"}
    assert outbox.closed


async def test_what_waits_is_counted_in_bytes_and_no_longer_once_it_went() -> None:
    peer = Peer()
    outbox = Outbox(peer.send)
    for _ in range(3):
        peer.open.clear()
        outbox.put("x")
        assert outbox.put("🙂" * ((MOST_BYTES - 10) // 4))
        peer.open.set()
        for _ in range(10):
            await asyncio.sleep(0)
    peer.open.clear()
    outbox.put("x")
    assert not outbox.put("🙂" * (MOST_BYTES // 4 + 1))


async def test_a_peer_that_has_gone_is_no_error() -> None:
    async def gone(_event: dict[str, Any]) -> None:
        raise OSError

    outbox = Outbox(gone)
    outbox.put("x")
    assert outbox.closed
    assert outbox.put("y")


async def test_an_abandoned_outbox_leaves_no_task() -> None:
    peer = Peer()
    outbox = Outbox(peer.send)
    peer.open.clear()
    outbox.put("x")
    outbox.abandon()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
