"""What the channel layer says of a stream reaches the room's pages, and those of its followers, in every process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.test import Client, override_settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from accounts.models import User
from chat import followed, people, process
from chat.hub import streams
from chat.hub.hub import Hub
from chat.models import Follow
from chat.services import roles
from chat.visitors import Proof
from streaming import services
from streaming.models import Channel
from tests.chat.conftest import NOW, Connect, Server, cookie_of
from tests.settings import STATE_URL

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def key(alice: User) -> str:
    _, text = await database_sync_to_async(services.issue_key)(channel_id=alice.channel.pk, now=NOW)
    return str(text)


@asynccontextmanager
async def page_of(server: Server, user: User | None, **headers: str) -> AsyncIterator[ClientConnection]:
    """The notices' socket of somebody's page."""
    if user is not None:
        headers["Cookie"] = await database_sync_to_async(cookie_of)(user)
    async with connect(f"ws://127.0.0.1:{server.port}/ws/notices/", additional_headers=headers) as connection:
        yield connection


async def begin(key: str) -> Any:
    broadcast, _ = await database_sync_to_async(services.find_or_begin_broadcast)(key=key, ingest="i", now=NOW)
    return broadcast


async def end(broadcast: Any) -> None:
    await database_sync_to_async(services.end_broadcast)(broadcast_id=broadcast.pk, now=NOW, publish=lambda _: None)


async def closed(socket: AbstractAsyncContextManager[ClientConnection]) -> int:
    """The code that a socket is closed with."""
    async with socket as connection:
        with pytest.raises(ConnectionClosedError) as error:
            await connection.recv()
    assert error.value.rcvd
    return error.value.rcvd.code


async def test_a_room_is_told_what_its_stream_does(
    web: Server, second_web: Server, alice: User, key: str, enter: Connect
) -> None:
    pages = [await enter(server, alice.username) for server in (web, second_web)]
    broadcast = await begin(key)
    for page in pages:
        began = (await page.get("stream"))["stream"]
        assert (began["id"], began["state"], began["title"]) == (str(broadcast.pk), "live", "")
    await database_sync_to_async(services.set_stream_info)(channel_id=alice.channel.pk, title="Night", tags=["calm"])
    for page in pages:
        changed = (await page.get("stream"))["stream"]
        assert (changed["title"], changed["tags"], changed["startedAt"]) == ("Night", ["calm"], NOW.isoformat())
    await database_sync_to_async(services.mark_reconnecting)(broadcast_id=broadcast.pk, ingest="i", now=NOW)
    assert (await pages[0].get("stream"))["stream"]["state"] == "reconnecting"
    await database_sync_to_async(services.resume_broadcast)(broadcast_id=broadcast.pk, key=key, ingest="j")
    assert (await pages[0].get("stream"))["stream"]["state"] == "live"
    await end(broadcast)
    over = (await pages[0].get("stream"))["stream"]
    assert (over["id"], over["state"], over["title"]) == (None, "offline", "Night")


async def test_followers_hear_on_any_page_that_a_channel_goes_live_but_not_each_time_its_encoder_does(
    web: Server, second_web: Server, alice: User, bobby: User, carol: User, key: str, enter: Connect
) -> None:
    for user in (bobby, carol):
        await database_sync_to_async(roles.follow)(channel=alice.channel, user=user, now=NOW)
    room = await enter(web, alice.username)
    async with page_of(web, bobby) as bob, page_of(second_web, carol) as other:
        broadcast = await begin(key)
        for page in (bob, other):
            assert json.loads(await page.recv()) == {"type": "live", "login": alice.username, "title": ""}
        await end(broadcast)
        await end(await begin(key))
        for _ in range(4):  # what was told of the second broadcast has arrived by then
            await room.get("stream")
        await bob.close()
        assert [frame async for frame in bob] == []


async def test_who_has_nobody_to_hear_of_is_let_go(web: Server, alice: User, bobby: User) -> None:
    assert await closed(page_of(web, None)) == 4401
    assert await closed(page_of(web, bobby)) == 4404
    await database_sync_to_async(roles.follow)(channel=alice.channel, user=bobby, now=NOW)
    await database_sync_to_async(roles.set_live_notices)(user=bobby, wanted=False)
    assert await closed(page_of(web, bobby)) == 4404


async def test_a_socket_that_talks_or_comes_from_elsewhere_is_refused(web: Server, alice: User, bobby: User) -> None:
    await database_sync_to_async(roles.follow)(channel=alice.channel, user=bobby, now=NOW)
    async with page_of(web, bobby) as connection:
        await connection.send("hello")
        with pytest.raises(ConnectionClosedError) as error:
            await connection.recv()
    assert error.value.rcvd is not None
    assert error.value.rcvd.code == 4000
    with pytest.raises(InvalidStatus):
        async with page_of(web, bobby, Origin="https://evil.example"):
            pass


async def test_a_layer_that_is_away_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = {"BACKEND": settings.CHANNEL_LAYERS["default"]["BACKEND"], "CONFIG": {"hosts": ["unix:///nowhere/s"]}}
    monkeypatch.setattr(streams, "RETRY_S", 0)
    with override_settings(CHANNEL_LAYERS={"default": away}):
        layer, tries = get_channel_layer(), asyncio.Queue[None]()
        subscribe = layer.new_channel

        async def new_channel() -> str:
            tries.put_nowait(None)
            return str(await subscribe())

        monkeypatch.setattr(layer, "new_channel", new_channel, raising=False)
        heard = streams.Streams(
            Hub(STATE_URL, load_facts=database_sync_to_async(people.load_facts)), process.forget_room
        )
        await heard.start()
        for _ in range(3):
            await tries.get()
    assert [record.getMessage()[:25] for record in caplog.records] == ["streams are not heard of:"]


def test_only_those_followed_last_are_heard_of(
    make_user: Callable[[str], User], bobby: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = [make_user(f"streamer_{number}").channel for number in range(3)]
    for number, channel in enumerate(channels):
        Follow.objects.create(channel=channel, user=bobby, created_at=NOW.replace(minute=number))
    monkeypatch.setattr(followed, "MOST", 2)
    proof = Proof("", session=cookie_of(bobby).partition("=")[2])
    assert followed.look_up([proof]) == {proof: frozenset(str(channel.pk) for channel in channels[1:])}


def test_notices_are_switched_off_and_on_in_the_settings(client: Client, bobby: User, channel: Channel) -> None:
    roles.follow(channel=channel, user=bobby, now=NOW)
    roles.set_color(channel=channel, user=bobby, color="#1e90ff")
    client.force_login(bobby)
    assert "shown on whatever page you are on" in client.get("/settings").content.decode()
    off = client.post("/settings/notices", {"wanted": "0"}, follow=True)
    assert "not shown" in off.content.decode()
    bobby.chat_profile.refresh_from_db()
    assert (bobby.chat_profile.live_notices, bobby.chat_profile.color) == (False, "#1e90ff")
    client.post("/settings/notices", {"wanted": "1"})
    bobby.chat_profile.refresh_from_db()
    assert bobby.chat_profile.live_notices
