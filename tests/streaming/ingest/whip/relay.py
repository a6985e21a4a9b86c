"""A bad network path, since the kernel here has none to offer: a UDP relay that loses, delays and reorders packets."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Self, cast


class _Side(asyncio.DatagramProtocol):
    """One of the relay's two sockets: hands over what comes, and whence."""

    def __init__(self, relay: Relay, *, to_server: bool) -> None:
        self._relay = relay
        self._to_server = to_server
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._relay.carry(data, addr, to_server=self._to_server)


class Relay:
    """Between one encoder and the server: loses `loss` of the packets each way, and delays each by up to `jitter` s.

    Losses come in runs of `burst` packets. Packets overtake each other by the delays. The dice are seeded: the same
    packets give the same losses. Where all are lost, somebody has pulled the cable out.
    """

    def __init__(self, *, loss: float, jitter: float, burst: int = 1) -> None:
        self.loss = loss
        self._jitter = jitter
        self._burst = burst
        self._losing = 0
        """How many of the next packets are lost for one that was."""
        self._dice = random.Random(1)
        self._server = ("", 0)
        self._client = ("", 0)
        self.lost = 0
        self.carried = 0

    async def open(self, answer: str) -> str:
        """Stands between: the answer with the relay's address in place of the server's."""
        found = re.search(r"a=candidate:\S+ 1 udp \d+ ([\d.]+) (\d+) typ host", answer)
        assert found is not None, answer
        self._server = (found[1], int(found[2]))
        loop = asyncio.get_running_loop()
        _, self._near = await loop.create_datagram_endpoint(
            lambda: _Side(self, to_server=True), local_addr=(self._server[0], 0)
        )
        _, self._far = await loop.create_datagram_endpoint(
            lambda: _Side(self, to_server=False), local_addr=(self._server[0], 0)
        )
        port = self._near.transport.get_extra_info("sockname")[1]
        lines = [line for line in answer.splitlines() if not line.startswith("a=candidate:")]
        lines.insert(lines.index("a=end-of-candidates"), found[0].replace(f" {found[2]} ", f" {port} "))
        return "\r\n".join(lines) + "\r\n"

    def carry(self, data: bytes, sender: tuple[str, int], *, to_server: bool) -> None:
        if to_server:
            self._client = sender
        elif sender != self._server:
            return
        self.carried += 1
        if self._losing:
            self._losing -= 1
            self.lost += 1
            return
        if self._dice.random() < self.loss / self._burst:
            self._losing = self._burst - 1
            self.lost += 1
            return
        asyncio.get_running_loop().call_later(self._dice.random() * self._jitter, self._send, data, to_server)

    def _send(self, data: bytes, to_server: bool) -> None:
        side, target = (self._far, self._server) if to_server else (self._near, self._client)
        if not side.transport.is_closing():
            side.transport.sendto(data, target)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._near.transport.close()
        self._far.transport.close()


def without_feedback(offer: str, *, kind: str) -> str:
    """An offer of an encoder that doesn't listen to what is said about its packets."""
    return "".join(line for line in offer.splitlines(keepends=True) if not line.rstrip().endswith(f" {kind}"))


def without_candidates(offer: str) -> str:
    """An offer whose encoder can be reached only by the way that it comes itself."""
    lines = [line for line in offer.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
    return "\r\n".join(lines) + "\r\n"
