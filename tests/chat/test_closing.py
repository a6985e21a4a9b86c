"""A channel that is suspended, and a person who is not active any more, in sockets that were open before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from uuid import UUID

import pytest
from channels.db import database_sync_to_async
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from streaming import services
from tests.chat.conftest import NOW, Connect, Server, Socket, cookie_of, token_of
from tests.chat.test_irc import irc

__all__ = ["irc"]
pytestmark = pytest.mark.django_db(transaction=True)


def nobody_listens(_broadcast: UUID) -> None:
    """In place of the bus."""


@database_sync_to_async
def suspend(user: User) -> None:
    services.suspend_channel(channel_id=user.channel.pk, now=NOW, publish=nobody_listens)


@database_sync_to_async
def turn_out(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    services.turn_out(user=user, now=NOW, publish=nobody_listens)


async def end_of(opened: Socket) -> int | None:
    """The code that the server closes the socket with."""
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await opened.connection.recv()
    return opened.connection.close_code


async def test_nobody_stays_in_the_room_of_a_suspended_channel(
    web: Server, second_web: Server, alice: User, bobby: User, enter: Connect
) -> None:
    bob = await enter(web, alice.username, cookie=await database_sync_to_async(cookie_of)(bobby))
    stranger = await enter(second_web, alice.username)
    assert (await bob.say("hello"))["type"] == "ack"
    await suspend(alice)
    assert [await end_of(bob), await end_of(stranger)] == [4404, 4404]
    for server in (web, second_web):  # both knew the login's room until now
        async with connect(f"ws://127.0.0.1:{server.port}/ws/chat/{alice.username}/") as late:
            assert await end_of(Socket(late)) == 4404


async def test_who_is_not_active_any_more_is_let_go_everywhere(
    web: Server, second_web: Server, alice: User, make_user: Callable[[str], User], bobby: User, enter: Connect
) -> None:
    carol = await database_sync_to_async(make_user)("carol_too")
    cookie = await database_sync_to_async(cookie_of)(bobby)
    here, there = (
        await enter(web, alice.username, cookie=cookie),
        await enter(second_web, carol.username, cookie=cookie),
    )
    other = await enter(web, alice.username, cookie=await database_sync_to_async(cookie_of)(carol))
    await turn_out(bobby)
    assert [await end_of(here), await end_of(there)] == [4001, 4001]
    back = await enter(web, alice.username, cookie=cookie)
    assert (await back.say("again"))["code"] == "sign_in"
    assert (await other.say("still here"))["type"] == "ack"


async def test_bots_leave_rooms_that_close_and_with_whom_they_speak_for(
    irc: Server, alice: User, make_user: Callable[[str], User], bobby: User
) -> None:
    token, other = await database_sync_to_async(token_of)(bobby), await database_sync_to_async(make_user)("carol_too")

    async def until(bot: ClientConnection, line: str) -> None:
        async with asyncio.timeout(5):
            while line not in str(await bot.recv()):
                pass

    async with connect(f"ws://127.0.0.1:{irc.port}/") as bot:
        for line in (f"PASS oauth:{token}", "NICK bobby", f"JOIN #{alice.username}", f"JOIN #{other.username}"):
            await bot.send(line)
        await until(bot, f"JOIN #{other.username}")
        await suspend(alice)
        await until(bot, f"PART #{alice.username}")
        await turn_out(bobby)
        assert await end_of(Socket(bot)) == 1000
