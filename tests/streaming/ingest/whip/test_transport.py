"""Which addresses an encoder is told: the first is the one that FFmpeg tries, and the only one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from aiortc import RTCCertificate

from streaming.ingest.whip.errors import Unavailable
from streaming.ingest.whip.ice import ANY_PORT, Ports
from streaming.ingest.whip.offer import read_offer
from streaming.ingest.whip.transport import WebRtcTransport

from .test_offer import CHROMIUM

CERTIFICATE = RTCCertificate.generateCertificate()
FREE = 29_870
"""This port and the next are below those that systems choose from, and nobody's."""


async def told(*, near: str = "", announced: tuple[str, ...] = ()) -> list[str]:
    return [candidate.split()[4] for candidate in await candidates(near=near, announced=announced)]


async def candidates(*, ports: Ports = ANY_PORT, near: str = "", announced: tuple[str, ...] = ()) -> Sequence[str]:
    transport = WebRtcTransport(read_offer(CHROMIUM), CERTIFICATE, ports=ports, announced=announced)
    try:
        ours = await transport.gather(near=near)
    finally:
        await transport.close()
    return ours.candidates


async def test_the_address_that_the_encoder_came_to_comes_first() -> None:
    for address in await told():
        assert (await told(near=address))[0] == address


async def test_an_announced_address_comes_before_all() -> None:
    addresses = await told(announced=("198.51.100.7",))
    assert addresses[0] == "198.51.100.7"
    assert len(addresses) > 1


async def test_media_comes_to_the_ports_that_are_named() -> None:
    (port,) = {int(candidate.split()[5]) for candidate in await candidates(ports=Ports(FREE, FREE))}
    assert port == FREE
    taken = WebRtcTransport(read_offer(CHROMIUM), CERTIFICATE, ports=Ports(FREE, FREE))
    await taken.gather(near="")
    with pytest.raises(Unavailable, match="no free port"):
        await candidates(ports=Ports(FREE, FREE))
    (port,) = {int(candidate.split()[5]) for candidate in await candidates(ports=Ports(FREE, FREE + 1))}
    assert port == FREE + 1
    await taken.close()
