"""Chat for programs: the same checks as on the page."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from accounts.models import User
from chat.api import LISTED
from chat.models import HeldMessage, Room
from chat.services import moderation, roles
from tests.chat.conftest import NOW, Connect, Server, cookie_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)


async def post(server: Server, path: str, token: str, **body: object) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})


async def test_a_program_says_something_and_commands(web: Server, alice: User, bobby: User, enter: Connect) -> None:
    token = await database_sync_to_async(token_of)(alice)
    room = await enter(web, alice.username)
    answer = await post(web, "/chat/messages", token, channelId=str(alice.channel.pk), message="from a program")
    assert answer.status_code == 200
    [message] = await room.messages(1)
    assert message["id"] == answer.json()["id"]
    reply = await post(web, "/chat/messages", token, channelId=alice.username, message="indeed", replyTo=message["id"])
    assert reply.json()["stored"]
    [message] = await room.messages(1)
    assert message["reply_to"]["login"] == alice.username
    answer = await post(web, "/chat/messages", token, channelId=alice.username, message="/slow 30")
    assert "slow mode" in answer.json()["notice"]
    assert (await room.get("room"))["room"]["slow"] == 30


async def test_refusals_have_codes(web: Server, alice: User, bobby: User) -> None:
    token = await database_sync_to_async(token_of)(bobby)
    where = {"channelId": alice.username}
    expected = [
        ({**where, "message": ""}, 422, "empty"),
        ({**where, "message": "x" * 501}, 422, "too_long"),
        ({**where, "message": "/ban carol"}, 403, "not_moderator"),
        ({**where, "message": "/nosuch"}, 422, "unknown_command"),
        ({"channelId": "nobody_here", "message": "x"}, 404, "unknown_room"),
        ({**where, "message": "same"}, 200, None),
        ({**where, "message": "same"}, 429, "repeated"),
    ]
    for body, status, code in expected:
        answer = await post(web, "/chat/messages", token, **body)
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert int(answer.headers["Retry-After"]) <= 30
    await database_sync_to_async(moderation.ban)(channel=alice.channel, by=alice, target=bobby, now=timezone.now())
    answer = await post(web, "/chat/messages", token, channelId=alice.username, message="let me in")
    assert (answer.status_code, answer.json()["code"]) == (403, "banned")


async def test_a_session_needs_its_csrf_token(web: Server, alice: User, bobby: User) -> None:
    cookie = await database_sync_to_async(cookie_of)(bobby)
    async with httpx.AsyncClient(base_url=web.url, headers={"Cookie": cookie}) as client:
        answer = await client.post("/chat/messages", json={"channelId": alice.username, "message": "forged"})
    assert answer.status_code == 403


async def test_nobody_says_anything_without_proof(web: Server, alice: User) -> None:
    async with httpx.AsyncClient(base_url=web.url) as client:
        answer = await client.post("/chat/messages", json={"channelId": alice.username, "message": "x"})
    assert answer.status_code in {401, 403}


async def test_spam_is_held_until_a_moderator_lets_it_through(
    web: Server, alice: User, bobby: User, enter: Connect
) -> None:
    alices = await database_sync_to_async(token_of)(alice)
    bobs = await database_sync_to_async(token_of)(bobby)
    room = await enter(web, alice.username, headers={"Authorization": f"Bearer {alices}"})
    stranger = await enter(web, alice.username)
    spam = "A" * 40 + " WHY WOULD YOU EVER DO THIS TO ME TODAY"
    answer = await post(web, "/chat/messages", bobs, channelId=alice.username, message=spam)
    assert answer.json()["code"] == "held"
    held = await room.get("held")
    assert (held["text"], held["room"]) == (spam, alice.username)
    answer = await post(web, f"/chat/held/{held['id']}", bobs, channelId=alice.username, allowed=True)
    assert answer.status_code == 403
    answer = await post(web, f"/chat/held/{held['id']}", alices, channelId=alice.username, allowed=True)
    assert answer.status_code == 200
    [message] = await room.messages(1)
    assert (message["text"], message["user"]["login"]) == (spam, "bobby")
    assert await stranger.messages(1) == [message]
    assert stranger.frames == []  # what waits is for moderators alone


async def test_old_messages_that_nobody_decided_hide_no_new_ones(web: Server, alice: User, bobby: User) -> None:
    alices = await database_sync_to_async(token_of)(alice)

    def hold() -> None:
        Room.objects.create(channel=alice.channel)
        HeldMessage.objects.bulk_create(
            HeldMessage(
                room_id=alice.channel.pk, user=bobby, text=str(number), held_at=NOW + number * timedelta(days=1)
            )
            for number in range(LISTED + 1)
        )

    await database_sync_to_async(hold)()
    async with httpx.AsyncClient(base_url=web.url, headers={"Authorization": f"Bearer {alices}"}) as client:
        desk = (await client.get(f"/chat/{alice.username}/desk")).json()
    assert [one["text"] for one in desk["held"]] == [str(number) for number in range(1, LISTED + 1)]


async def test_the_desk_is_for_moderators_and_undoes(web: Server, alice: User, bobby: User, carol: User) -> None:
    await database_sync_to_async(roles.set_moderator)(
        channel=alice.channel, by=alice, target=carol, granted=True, now=timezone.now()
    )
    await database_sync_to_async(moderation.ban)(
        channel=alice.channel, by=carol, target=bobby, now=timezone.now(), seconds=600
    )
    carols = await database_sync_to_async(token_of)(carol)
    bobs = await database_sync_to_async(token_of)(bobby)
    path = f"/chat/{alice.username}/desk"
    async with httpx.AsyncClient(base_url=web.url) as client:
        refused = await client.get(path, headers={"Authorization": f"Bearer {bobs}"})
        assert refused.status_code == 403
        desk = (await client.get(path, headers={"Authorization": f"Bearer {carols}"})).json()
        [action] = [one for one in desk["actions"] if one["kind"] == "timeout"]
        answer = await post(web, f"/chat/actions/{action['id']}/undo", carols, channelId=alice.username)
        assert answer.status_code == 200
        card = (await client.get(f"/chat/{alice.username}/users/bobby")).json()
    assert card["banned"] is False
    said = await post(web, "/chat/messages", bobs, channelId=alice.username, message="thank you")
    assert said.status_code == 200
