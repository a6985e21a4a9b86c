"""Bots and clients of Twitch, here: tmi.js itself against our port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone
from websockets.asyncio.client import connect

from accounts.models import User
from chat.services import roles
from deploy.local.errors import EngineFailed
from tests.chat.conftest import Connect, Server, cookie_of, free_port, token_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js here"),
]
BOT = Path(__file__).with_name("twitch_bot.mjs")


class Bot:
    """tmi.js in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def do(self, method: str, *args: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps([method, *args]).encode() + b"\n")
        await self.process.stdin.drain()

    async def hear(self, event: str) -> list[Any]:
        """What comes with the next event of this name."""
        assert self.process.stdout
        async with asyncio.timeout(20):
            while line := await self.process.stdout.readline():
                heard = json.loads(line) if line.startswith(b"{") else {"event": "log"}
                if heard["event"] == event:
                    return list(heard["args"])
        pytest.fail(f"no {event}")


@contextlib.contextmanager
def serve_irc(folder: Path, port: int) -> Iterator[Server]:
    """Runs the IRC port until the block ends."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "IRC_PORT": str(port), "IRC_HOST": "127.0.0.1"}
    log = folder / f"irc-{port}.log"
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "irc"]
    with log.open("wb") as said, subprocess.Popen(argv, env=env, stdout=said, stderr=said) as process:
        try:
            deadline = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise EngineFailed(name="irc", what="did not start", tail=log.read_text()[-2_000:])
                time.sleep(0.05)
            yield Server(port, process)
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="session")
def irc(session_folder: Path, postgres_server: None, state_server: None, django_db_setup: None) -> Iterator[Server]:
    with serve_irc(session_folder, free_port()) as server:
        yield server


@pytest.fixture
async def bots() -> AsyncIterator[Any]:
    """Starts bots: `await bots(server, channel, user)`; it has joined the channel."""
    started = []

    async def start(server: Server, channel: str, user: User | None = None) -> Bot:
        facts: dict[str, Any] = {"port": server.port, "channels": [channel]}
        if user:
            facts |= {"token": await database_sync_to_async(token_of)(user), "login": user.username}
        process = await asyncio.create_subprocess_exec(
            "node", str(BOT), json.dumps(facts), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        bot = Bot(process)
        started.append(process)
        await bot.hear("roomstate")
        return bot

    yield start
    for process in started:
        process.kill()
        await process.wait()


async def test_an_anonymous_reader_hears_the_page_with_tags(
    web: Server, irc: Server, alice: User, bobby: User, bots: Any, enter: Connect
) -> None:
    reader = await bots(irc, alice.username)
    page = await enter(web, alice.username, cookie=await database_sync_to_async(cookie_of)(bobby))
    first = await page.say("hello 🙂 hrWave hrWave")
    channel, tags, text, own = await reader.hear("message")
    assert (channel, text, own) == (f"#{alice.username}", "hello 🙂 hrWave hrWave", False)
    assert tags["username"] == "bobby"
    assert tags["id"] == first["id"]
    assert tags["emotes"] == {"g-hrwave": ["8-13", "15-20"]}
    assert tags["mod"] is False
    await page.say("and again", reply_to=first["id"])
    _, tags, _, _ = await reader.hear("message")
    assert tags["reply-parent-msg-id"] == first["id"]
    assert tags["reply-parent-user-login"] == "bobby"


async def test_a_bot_speaks_and_does_not_hear_itself(
    web: Server, irc: Server, alice: User, bobby: User, bots: Any, enter: Connect
) -> None:
    page = await enter(web, alice.username)
    bot, reader = await bots(irc, alice.username, bobby), await bots(irc, alice.username)
    await bot.do("say", alice.username, "beep")
    await bot.do("action", alice.username, "boops")
    said = await page.messages(2)
    assert [message["text"] for message in said] == ["beep", "boops"]
    assert said[1]["action"]
    assert (await reader.hear("message"))[2] == "beep"
    assert (await reader.hear("action"))[2] == "boops"
    # tmi.js shows one's own message by itself, once; a second one would be the server's echo.
    assert (await bot.hear("message"))[3] is True
    assert (await bot.hear("action"))[3] is True


async def test_a_moderators_bot_moderates(
    web: Server, irc: Server, alice: User, bobby: User, carol: User, bots: Any, enter: Connect
) -> None:
    await database_sync_to_async(roles.set_moderator)(
        channel=alice.channel, by=alice, target=carol, granted=True, now=timezone.now()
    )
    page = await enter(web, alice.username, cookie=await database_sync_to_async(cookie_of)(bobby))
    bot, reader = await bots(irc, alice.username, carol), await bots(irc, alice.username)
    said = await page.say("something rude")
    await bot.do("deletemessage", alice.username, said["id"])
    _, login, text, tags = await reader.hear("messagedeleted")
    assert (login, text, tags["target-msg-id"]) == ("bobby", "something rude", said["id"])
    await bot.do("timeout", alice.username, "bobby", 60, "rude")
    assert (await reader.hear("timeout"))[1] == "bobby"
    assert (await bot.hear("done"))[0] in {"deletemessage", "timeout"}
    assert (await page.say("again"))["code"] == "timed_out"
    await bot.do("unban", alice.username, "bobby")
    await bot.do("ban", alice.username, "bobby", "enough")
    assert (await reader.hear("ban"))[1] == "bobby"
    await bot.do("slow", alice.username, 30)
    assert (await reader.hear("slowmode"))[1:] == [True, 30]
    await bot.do("clear", alice.username)
    await reader.hear("clearchat")


async def test_a_viewer_is_told_why_not(irc: Server, alice: User, bobby: User, bots: Any) -> None:
    bot = await bots(irc, alice.username, bobby)
    await bot.do("ban", alice.username, "carol", "")
    assert (await bot.hear("notice"))[1] == "no_permission"
    await bot.do("say", alice.username, "same")
    await bot.do("say", alice.username, "same")
    assert (await bot.hear("notice"))[1] == "msg_duplicate"


async def test_a_wrong_token_is_refused(irc: Server, alice: User) -> None:
    async with connect(f"ws://127.0.0.1:{irc.port}/", subprotocols=["irc"]) as raw:  # type: ignore[list-item]
        await raw.send("PASS oauth:wrong\r\nNICK bobby\r\n")
        assert "Login authentication failed" in str(await raw.recv())


async def test_a_process_that_goes_asks_its_clients_to_come_back(
    session_folder: Path, alice: User, bots: Any, django_db_setup: None
) -> None:
    port = free_port()
    with serve_irc(session_folder, port) as server:
        bot = await bots(server, alice.username)
    # tmi.js comes back because it was asked to: `disconnected` alone it would take for the end.
    with serve_irc(session_folder, port):
        await bot.hear("roomstate")


async def test_a_whisper_comes_as_one(
    web: Server, irc: Server, alice: User, bobby: User, carol: User, bots: Any, enter: Connect
) -> None:
    bot = await bots(irc, alice.username, carol)
    page = await enter(web, alice.username, cookie=await database_sync_to_async(cookie_of)(bobby))
    assert (await page.say("/w carol psst"))["type"] == "ack"
    sender, _, text, _ = await bot.hear("whisper")
    assert (sender, text) == ("#bobby", "psst")


async def test_garbage_closes_only_its_own_connection(irc: Server, alice: User, bots: Any) -> None:
    reader = await bots(irc, alice.username)
    async with connect(f"ws://127.0.0.1:{irc.port}/") as raw:
        await raw.send("\r\n@@@ ::: \r\nJOIN\r\nPRIVMSG #x\r\nCAP\r\nNICK\r\n" + "A" * 9_000)
        await raw.send(b"\xff\xfe")
        await raw.wait_closed()
    await reader.do("ping")
    assert (await reader.hear("done"))[0] == "ping"
