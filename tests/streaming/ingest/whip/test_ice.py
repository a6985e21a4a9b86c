"""The way to an encoder: found, used, and given up when nothing comes by it."""

from __future__ import annotations

import asyncio

import aioice
import pytest

from streaming.ingest.whip import ice
from streaming.ingest.whip.ice import ANY_PORT, IcePath, NoWay

RTP = bytes.fromhex("80600001 00000000 00000001 00")
DTLS = bytes.fromhex("16fefd0000")


async def connected(path: IcePath) -> aioice.Connection:
    """An encoder's end of the way."""
    encoder = aioice.Connection(ice_controlling=True)
    for candidate in await path.gather():
        await encoder.add_remote_candidate(candidate)
    await encoder.add_remote_candidate(None)
    encoder.remote_username, encoder.remote_password = path.ufrag, path.password
    await encoder.gather_candidates()
    for candidate in encoder.local_candidates:
        await path.add_candidate(candidate)
    await path.end_candidates()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(encoder.connect())
        tasks.create_task(path.connect(ufrag=encoder.local_username, password=encoder.local_password))
    return encoder


async def test_media_dtls_and_stun_are_told_apart() -> None:
    media: asyncio.Queue[bytes] = asyncio.Queue()
    path = IcePath(ANY_PORT, media.put_nowait)
    encoder = await connected(path)
    for packet in (b"", b"\x10 of no protocol", RTP, DTLS):
        await encoder.send(packet)
    assert await media.get() == RTP
    assert await path._recv() == DTLS
    assert media.empty()
    await encoder.close()
    await path.close()


async def test_who_says_nothing_any_more_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No DTLS goodbye, no silence that the publisher could see: nothing was ever sent."""
    monkeypatch.setattr(ice, "GONE_SECONDS", 0.1)
    path = IcePath(ANY_PORT, lambda _: None)
    encoder = await connected(path)
    with pytest.raises(NoWay):
        await path._recv()
    await encoder.close()
    await path.close()
