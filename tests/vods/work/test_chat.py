"""What was said while a broadcast was live, in step with its VOD."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from httpx import ASGITransport, AsyncClient, Response

from chat import events
from chat.bus.layout import CONTROL, MESSAGE, room_key
from chat.events import Author, Said
from streaming import on_air
from streaming.bus.layout import Call
from tests.streaming.cmaf.clips import Clip
from tests.streaming.packed import WALL_MS
from tests.vods.onair import House, OnAir, stored
from vods.models import Asset, AssetKind, AssetState, Vod
from vods.playback.app import create_app

EPOCH = "0" * 15
BOBBY = Author("u-bobby", "bobby", "#000000")


class Room:
    """Puts records of times of our choice into a channel's log."""

    def __init__(self, channel: object) -> None:
        self.channel = str(channel)
        self.offset = 0

    def said(self, at_ms: int, text: str) -> str:
        return self._put(at_ms, Said(BOBBY, text).body(), MESSAGE)

    def deleted(self, at_ms: int, message: str) -> None:
        self._put(at_ms, f'"type":"delete","target":"{message}"}}', CONTROL)

    def _put(self, at_ms: int, body: str, kind: bytes) -> str:
        self.offset += 1
        ts = WALL_MS + at_ms
        message = events.message_id(EPOCH, self.offset)
        text = f'{{"offset":{self.offset},"ts":{ts},"id":"{message}",{body}'
        fields = ("k", kind, "t", ts, "j", text, "s", 0)
        on_air.state().run_all(
            [
                Call(arguments=("XADD", room_key(self.channel, "log"), f"{self.offset}-0", *fields), parse=str),
                Call(
                    arguments=("HSET", room_key(self.channel, "head"), "epoch", EPOCH, "offset", self.offset), parse=int
                ),
            ]
        )
        return message


def get(path: str) -> Response:
    async def ask() -> Response:
        async with AsyncClient(transport=ASGITransport(create_app()), base_url="http://test") as client:
            return await client.get(path)

    return async_to_sync(ask)()


@pytest.fixture
def room(air: OnAir, state_url: str, live: object) -> Room:
    return Room(live.channel_id)  # type: ignore[attr-defined]


def test_chat_is_replayed_in_step_and_without_what_was_deleted(
    air: OnAir, clip: Clip, house: House, room: Room, storage: Path
) -> None:
    room.said(-5_000, "before")
    room.said(1_500, "first")
    regretted = room.said(2_000, "regretted")
    room.said(24_000, "late")
    air.send(clip)
    air.reconnect(after_ms=60_000)
    room.said(50_000, "while it was away")
    air.send(clip)
    end_ms = air.packed.packager.position.end_wall_ms - WALL_MS
    room.said(end_ms - 2_000, "last")
    room.deleted(end_ms - 1_000, regretted)
    house.sweep()
    house.hear(air.end())
    assert house.errors() == {}
    asset = Asset.objects.get(kind=AssetKind.CHAT)
    assert (asset.state, asset.facts["messages"]) == (AssetState.READY, 4)
    vod = Vod.objects.get()
    first, second = (get(f"/vods/{vod.pk}/chat-{number}.json").json() for number in (0, 1))
    assert [(one["text"], one["at"]) for one in first["messages"]][:2] == [("first", 1_500), ("late", 24_000)]
    away = first["messages"][2]
    assert away["text"] == "while it was away"
    assert abs(away["at"] - 25_000) < 100
    assert [one["text"] for one in second["messages"]] == ["last"]
    assert abs(second["messages"][0]["at"] - (vod.duration_ms - 2_000)) < 100
    assert get(f"/vods/{vod.pk}/chat-9.json").json()["messages"] == []
    assert [name for name in stored(storage) if "chat" in name] == [f"{vod.prefix}chat.jsonl"]
    assert json.loads(stored(storage)[asset.key].splitlines()[0])["user"]["login"] == "bobby"


def test_nothing_said_is_nothing_to_replay(air: OnAir, clip: Clip, house: House, state_url: str) -> None:
    air.send(clip)
    house.hear(air.end())
    assert Asset.objects.get(kind=AssetKind.CHAT).state == AssetState.ABSENT
    assert get(f"/vods/{Vod.objects.get().pk}/chat-0.json").status_code == 404
