"""Which addresses an encoder is told: the first is the one that FFmpeg tries, and the only one."""

from __future__ import annotations

import pytest
from aiortc import RTCCertificate

from streaming.ingest.whip.errors import BadRequest
from streaming.ingest.whip.offer import read_offer
from streaming.ingest.whip.transport import WebRtcTransport

from .test_offer import CHROMIUM


async def told(*, near: str = "", announced: tuple[str, ...] = ()) -> list[str]:
    transport = WebRtcTransport(read_offer(CHROMIUM), RTCCertificate.generateCertificate())
    try:
        ours = await transport.gather(near=near, announced=announced)
    finally:
        await transport.close()
    return [candidate.split()[4] for candidate in ours.candidates]


async def test_the_address_that_the_encoder_came_to_comes_first() -> None:
    for address in await told():
        assert (await told(near=address))[0] == address


async def test_an_announced_address_comes_before_all() -> None:
    addresses = await told(announced=("198.51.100.7",))
    assert addresses[0] == "198.51.100.7"
    assert len(addresses) > 1


async def test_candidates_must_be_addresses() -> None:
    transport = WebRtcTransport(read_offer(CHROMIUM), RTCCertificate.generateCertificate())
    await transport.add_candidate("1 1 udp 2122 f81d4fae-7dec.local 5000 typ host")
    for broken in ("", "1 1 udp", "1 1 udp 2122 example.org 5000 typ host", "a b c d e f g h"):
        with pytest.raises(BadRequest):
            await transport.add_candidate(broken)
    await transport.close()
