"""The hub of one process, on a real Valkey."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from chat.facts import Facts
from chat.hub import hub as module
from chat.hub.hub import Hub


async def facts(room: str) -> Facts:
    return Facts(room=room, login="alice", emotes={})


async def test_a_room_that_nobody_joined_in_the_end_is_closed(state_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGER_S", 0.01)
    hub, room = Hub(state_url, load_facts=facts), secrets.token_hex(8)
    hub.start()
    await hub.room(room)
    for _ in range(1_000):
        if not hub.find(room):
            break
        await asyncio.sleep(0.01)
    assert hub.find(room) is None
    await hub.aclose()
