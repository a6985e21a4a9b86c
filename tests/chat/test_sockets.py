"""Talking in a room through a real server."""

from __future__ import annotations

import asyncio

import pytest
from channels.db import database_sync_to_async
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts.models import User
from tests.chat.conftest import Connect, Server, cookie_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bobs_cookie(bobby: User) -> str:
    return cookie_of(bobby)


async def test_what_one_says_another_in_another_process_hears(
    web: Server, second_web: Server, alice: User, bobs_cookie: str, enter: Connect
) -> None:
    here = await enter(web, alice.username, cookie=bobs_cookie)
    there = await enter(second_web, alice.username)
    ack = await here.say("hello there")
    assert ack["type"] == "ack"
    assert ack["stored"]
    for side in (here, there):
        [message] = await side.messages(1)
        assert message["text"] == "hello there"
        assert message["user"]["login"] == "bobby"
        assert (message["id"], message["offset"]) == (ack["id"], 1)


async def test_welcome_has_the_last_messages_and_who_one_is(
    web: Server, second_web: Server, alice: User, bobs_cookie: str, enter: Connect
) -> None:
    bob = await enter(web, alice.username, cookie=bobs_cookie)
    await bob.say("first")
    await bob.say("second")
    late = await enter(second_web, alice.username, cookie=bobs_cookie)
    assert [message["text"] for message in late.welcome["messages"]] == ["first", "second"]
    assert late.welcome["offset"] == 2
    assert late.welcome["you"]["login"] == "bobby"
    assert late.welcome["you"]["role"] == "viewer"


async def test_nobody_talks_without_signing_in(web: Server, alice: User, enter: Connect) -> None:
    stranger = await enter(web, alice.username)
    assert (await stranger.say("hi"))["code"] == "sign_in"


async def test_a_program_comes_with_its_token(web: Server, alice: User, bobby: User, enter: Connect) -> None:
    token = await database_sync_to_async(token_of)(bobby)
    bot = await enter(web, alice.username, headers={"Authorization": f"Bearer {token}"})
    assert (await bot.say("beep"))["type"] == "ack"


async def test_a_resume_brings_exactly_what_was_missed(
    web: Server, alice: User, bobs_cookie: str, enter: Connect
) -> None:
    bob = await enter(web, alice.username, cookie=bobs_cookie)
    for number in range(5):
        await bob.say(f"message {number}")
    back = await enter(web, alice.username, query="?history=0")
    assert back.welcome["messages"] == []
    await back.send(type="resume", epoch=back.welcome["epoch"], offset=2)
    resumed = await back.get("resumed")
    assert resumed["recovered"]
    assert [record["offset"] for record in resumed["records"]] == [3, 4, 5]


async def test_a_resume_of_another_epoch_is_not_recovered(web: Server, alice: User, enter: Connect) -> None:
    back = await enter(web, alice.username)
    await back.send(type="resume", epoch="0" * 15, offset=0)
    assert (await back.get("resumed"))["recovered"] is False


async def test_a_foreign_page_is_refused(web: Server, alice: User, enter: Connect) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await enter(web, alice.username, headers={"Origin": "https://evil.example"})
    assert refused.value.response.status_code == 403


async def test_a_rebound_host_is_refused(web: Server, alice: User, enter: Connect) -> None:
    with pytest.raises(InvalidStatus):
        await enter(web, alice.username, headers={"Host": "evil.example", "Origin": "http://evil.example"})


async def test_our_page_is_let_in(web: Server, alice: User, enter: Connect) -> None:
    await enter(web, alice.username, headers={"Origin": web.url})


async def test_a_channel_that_is_not_there(web: Server, alice: User, enter: Connect) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        await enter(web, "nobody_here")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        "[]",
        "{}",
        '{"type":5}',
        '{"type":"bogus"}',
        '{"type":"message","text":7}',
        '{"type":"resume","epoch":1,"offset":"x"}',
        "[" * 8_000,
        '{"type":"message","text":"' + "x" * 9_000 + '"}',
        b"\x00binary",
    ],
)
async def test_a_bad_frame_closes_only_its_own_socket(
    web: Server, alice: User, bobs_cookie: str, enter: Connect, frame: str | bytes
) -> None:
    good, bad = await enter(web, alice.username, cookie=bobs_cookie), await enter(web, alice.username)
    await bad.connection.send(frame)
    with pytest.raises(ConnectionClosed) as closed:
        await bad.get("never")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4000
    assert (await good.say("still here"))["type"] == "ack"


async def test_a_ping_is_answered(web: Server, alice: User, enter: Connect) -> None:
    socket = await enter(web, alice.username)
    await socket.send(type="ping")
    await socket.get("pong")


async def test_a_whisper_reaches_one_person_in_whatever_room_and_nobody_else(
    web: Server, second_web: Server, alice: User, carol: User, bobs_cookie: str, enter: Connect
) -> None:
    carols = await database_sync_to_async(cookie_of)(carol)
    bob = await enter(web, alice.username, cookie=bobs_cookie)
    there = await enter(second_web, "bobby", cookie=carols)
    stranger = await enter(web, alice.username)
    assert (await bob.say("/w carol psst"))["type"] == "ack"
    whisper = await there.get("whisper")
    assert (whisper["from"], whisper["text"]) == ("bobby", "psst")
    await bob.say("aloud")
    assert (await stranger.messages(1))[0]["text"] == "aloud"
    assert [frame["type"] for frame in stranger.frames] == []
    await there.connection.close()
    await there.connection.wait_closed()
    for _ in range(15):  # until her process has noticed
        if (answer := await bob.say("/w carol are you there?"))["type"] == "error":
            break
        await asyncio.sleep(0.2)
    assert answer["code"] == "away"


async def test_in_slow_mode_an_answer_says_when_one_may_say_more(
    web: Server, alice: User, bobs_cookie: str, enter: Connect
) -> None:
    alices = await database_sync_to_async(cookie_of)(alice)
    streamer, bob = (
        await enter(web, alice.username, cookie=alices),
        await enter(web, alice.username, cookie=bobs_cookie),
    )
    await streamer.say("/slow 1m")
    assert (await bob.say("slowly"))["wait_ms"] == 60_000
    assert (await bob.say("again"))["code"] == "slow_mode"
    assert (await streamer.say("as I like"))["wait_ms"] == 0


async def test_whoever_is_given_a_role_is_told_in_this_room(
    web: Server, alice: User, bobs_cookie: str, enter: Connect
) -> None:
    streamer = await enter(web, alice.username, cookie=await database_sync_to_async(cookie_of)(alice))
    bob = await enter(web, alice.username, cookie=bobs_cookie)
    for command in ("/mod bobby", "/unmod bobby", "/vip bobby", "/unvip bobby"):
        await streamer.say(command)
        assert (await bob.get("standing"))["room"] == alice.username
    assert streamer.take("standing") == []


async def test_a_deleted_message_can_not_be_quoted(web: Server, alice: User, bobs_cookie: str, enter: Connect) -> None:
    bob, witness = await enter(web, alice.username, cookie=bobs_cookie), await enter(web, alice.username)
    said = await bob.say("I take that back")
    await bob.say(f"/delete {said['id']}")
    await witness.get("delete")
    assert (await bob.say("what did I say?", reply_to=said["id"]))["code"] == "unknown_message"
