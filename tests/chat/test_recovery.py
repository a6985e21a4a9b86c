"""What is said survives kills: of our processes, and of Valkey."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from channels.db import database_sync_to_async
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from chat.bus import log, posting
from chat.bus.layout import MESSAGE
from chat.events import Author, Said
from chat.services import roles
from deploy.local.valkey import Valkey
from streaming.bus.redis import AsyncValkey
from tests.chat.conftest import Connect, Server, Socket, serve, token_of
from tests.settings import STATE_URL

pytestmark = pytest.mark.django_db(transaction=True)


class State:
    """A Valkey of one test, with the append-only file that `make run` gives it, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.valkey = Valkey(name="state", home=folder / "state", sockets=folder / "run", memory="64mb", durable=True)
        self.valkey.prepare()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = self.valkey.program()
        self.process = subprocess.Popen(program.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not program.ready():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def settle(self) -> None:
        """Waits until all that was written is in the file.

        Valkey puts off appending while the disk is busy with an earlier flush (docs/chat.md): what is killed within
        those two seconds may be lost, and no test can promise it.
        """
        with redis.Redis(unix_socket_path=str(self.valkey.socket)) as client:
            client.set("settled", 1)  # WAITAOF waits for the writes of its own connection, and so for all before them
            assert client.execute_command("WAITAOF", 1, 0, 10_000)[0] == 1

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def state() -> Iterator[State]:
    with tempfile.TemporaryDirectory(prefix="headrace-state-") as folder:
        own = State(Path(folder))
        own.start()
        yield own
        with contextlib.suppress(ProcessLookupError):
            own.kill()


async def resume(socket: Socket, epoch: str, offset: int) -> list[dict[str, object]]:
    """What the server says was missed."""
    await socket.send(type="resume", epoch=epoch, offset=offset)
    resumed = await socket.get("resumed")
    assert resumed["recovered"]
    return list(resumed["records"])


async def title_is_heard(server: Server, listener: Socket, *, headers: dict[str, str]) -> None:
    """Awaits that the channel layer has healed: it subscribes again when it likes."""
    async with httpx.AsyncClient(headers=headers) as api, asyncio.timeout(20):
        while True:
            await api.post(f"{server.url}/streams/start", json={"title": "Back again"})
            with contextlib.suppress(TimeoutError):
                assert (await listener.get("stream", seconds=0.5))["stream"]["title"] == "Back again"
                return


async def test_one_whose_process_is_killed_misses_nothing_at_another(
    session_folder: Path, web: Server, alice: User, bobby: User, enter: Connect
) -> None:
    token = await database_sync_to_async(token_of)(alice)
    talker = await enter(web, alice.username, headers={"Authorization": f"Bearer {token}"})
    with serve(session_folder) as doomed:
        listener = await enter(doomed, alice.username)
        heard: list[int] = []
        epoch = listener.welcome["epoch"]
        for number in range(60):
            assert (await talker.say(f"number {number}"))["type"] == "ack"
            if number == 20:
                heard = [message["offset"] for message in await listener.messages(5)]
                doomed.process.kill()
    back = await enter(web, alice.username, query="?history=0")
    missed = await resume(back, epoch, heard[-1])
    await talker.say("the last")
    live = await back.messages(1)
    offsets = [*heard, *(record["offset"] for record in missed), *(message["offset"] for message in live)]
    assert offsets == list(range(1, 62))


async def test_what_is_acknowledged_comes_once_and_in_order_whatever_process_is_killed(
    session_folder: Path, web: Server, second_web: Server, alice: User, make_user: Callable[[str], User], enter: Connect
) -> None:
    """Four people talk through three processes, one of which is killed in the middle of it."""

    def token(number: int) -> str:
        who = make_user(f"talker_{number}")
        roles.set_moderator(channel=alice.channel, by=alice, target=who, granted=True, now=timezone.now())
        return token_of(who)

    tokens = [await database_sync_to_async(token)(number) for number in range(4)]
    listener = await enter(second_web, alice.username)
    acknowledged: list[str] = []

    with serve(session_folder) as doomed:
        talkers = [
            await enter(server, alice.username, headers={"Authorization": f"Bearer {token}"})
            for server, token in zip((web, second_web, doomed, doomed), tokens, strict=True)
        ]

        async def talk(talker: Socket) -> None:
            with contextlib.suppress(ConnectionClosed):
                for number in range(60):
                    acknowledged.append((await talker.say(f"number {number}"))["id"])
                    if len(acknowledged) == 80:
                        doomed.process.kill()

        await asyncio.gather(*(talk(talker) for talker in talkers))
    assert len(acknowledged) >= 120
    heard: list[dict[str, Any]] = []
    while not set(acknowledged) <= {message["id"] for message in heard}:
        heard += await listener.messages(1)
    assert [message["offset"] for message in heard] == list(range(1, len(heard) + 1))
    assert len({message["id"] for message in heard}) == len(heard)
    # What was on its way when its process died may have been taken: its author was told neither yes nor no.
    assert len(heard) - len(acknowledged) <= 2


async def test_more_than_a_process_remembers_is_read_from_the_log(web: Server, alice: User, enter: Connect) -> None:
    room, body = str(alice.channel.pk), Said(Author("u", "bobby", "#000000"), "hi").body()
    valkey = AsyncValkey(STATE_URL)
    await valkey.run_all([posting.append(room, body=body, epoch="0" * 15, kind=MESSAGE) for _ in range(300)])
    back = await enter(web, alice.username, query="?history=0")
    assert [record["offset"] for record in await resume(back, "0" * 15, 5)] == list(range(6, 301))
    await valkey.run_all([posting.append(room, body=body, epoch="0" * 15, kind=MESSAGE) for _ in range(log.MOST)])
    await valkey.aclose()
    back = await enter(web, alice.username, query="?history=0")
    # More than one call reads is not had in pieces: the client begins anew.
    await back.send(type="resume", epoch="0" * 15, offset=5)
    assert (await back.get("resumed"))["recovered"] is False


async def test_a_storm_of_reconnects_gets_everything_once(
    web: Server, second_web: Server, alice: User, enter: Connect
) -> None:
    token = await database_sync_to_async(token_of)(alice)
    talker = await enter(web, alice.username, headers={"Authorization": f"Bearer {token}"})
    epoch = talker.welcome["epoch"]
    for number in range(30):
        await talker.say(f"number {number}")

    async def come_back(number: int) -> list[object]:
        socket = await enter(web if number % 2 else second_web, alice.username, query="?history=0")
        missed = await resume(socket, epoch, number % 30)
        return [record["offset"] for record in missed]

    results = await asyncio.gather(*(come_back(number) for number in range(100)))
    for number, offsets in enumerate(results):
        assert offsets == list(range(number % 30 + 1, 31))


async def test_valkey_is_killed_and_comes_back(
    session_folder: Path, state: State, alice: User, bobby: User, enter: Connect
) -> None:
    token = await database_sync_to_async(token_of)(alice)
    with serve(session_folder, STATE_URL=state.valkey.url) as server:
        alices = {"headers": {"Authorization": f"Bearer {token}"}}
        talker = await enter(server, alice.username, **alices)
        listener = await enter(server, alice.username)
        kept = await talker.say("before")
        assert kept["stored"]
        await listener.messages(1)

        await asyncio.to_thread(state.settle)
        state.kill()
        assert (await listener.get("notice"))["code"] == "unreliable"
        away = await talker.say("while it is away")
        assert away["type"] == "ack"
        assert away["stored"] is False
        [near] = await listener.messages(1)
        assert (near["text"], near["offset"]) == ("while it is away", None)

        await asyncio.to_thread(state.start)
        assert (await listener.get("notice", seconds=10))["code"] == "reliable"
        again = await talker.say("after")
        assert again["stored"]
        assert again["offset"] > kept["offset"]
        [message] = await listener.messages(1)
        assert message["text"] == "after"
        await title_is_heard(server, listener, **alices)
        late = await enter(server, alice.username)
        # What was acknowledged as kept is there, in the order of its numbers; the rest is not pretended to be.
        assert [message["text"] for message in late.welcome["messages"]] == ["before", "after"]


async def test_kills_of_valkey_under_load_double_nothing_and_mix_nothing_up(
    session_folder: Path, state: State, alice: User, enter: Connect
) -> None:
    """Two kills while somebody talks without a pause: what was kept before and after each comes once and in order."""
    token = await database_sync_to_async(token_of)(alice)
    with serve(session_folder, STATE_URL=state.valkey.url) as server:
        talker = await enter(server, alice.username, headers={"Authorization": f"Bearer {token}"})
        listener = await enter(server, alice.username)
        kept: list[str] = []
        sure: set[str] = set()
        for number in range(90):
            answer = await talker.say(f"number {number}")
            if answer.get("stored"):
                kept.append(answer["id"])
            if number in {30, 60}:
                await asyncio.to_thread(state.settle)
                sure |= set(kept)
                state.kill()
                await asyncio.to_thread(state.start)
                await listener.get("notice", seconds=10)
        sure |= set(kept[-20:])
        heard: list[dict[str, Any]] = [message for frame in listener.take("messages") for message in frame["messages"]]
        while not sure <= {message["id"] for message in heard}:
            heard += await listener.messages(1)
        numbered = [message for message in heard if message["offset"]]
        offsets = [message["offset"] for message in numbered]
        assert offsets == sorted(set(offsets))
        assert len({message["id"] for message in numbered}) == len(numbered)
        spoken = [int(message["text"].split()[1]) for message in numbered]
        assert spoken == sorted(set(spoken))


async def test_a_valkey_that_lost_its_memory_is_another_epoch(
    session_folder: Path, state: State, alice: User, enter: Connect
) -> None:
    token = await database_sync_to_async(token_of)(alice)
    with serve(session_folder, STATE_URL=state.valkey.url) as server:
        alices = {"headers": {"Authorization": f"Bearer {token}"}}
        talker = await enter(server, alice.username, **alices)
        listener = await enter(server, alice.username)
        await talker.say("before")
        state.kill()
        for file in state.valkey.home.rglob("*.*"):
            if file.is_file():
                file.unlink()
        await listener.get("notice")
        await asyncio.to_thread(state.start)
        await listener.get("anew", seconds=10)
        back = await enter(server, alice.username)
        assert back.welcome["epoch"] != listener.welcome["epoch"]
        await back.send(type="resume", epoch=listener.welcome["epoch"], offset=1)
        assert (await back.get("resumed"))["recovered"] is False
        assert (await talker.say("anew"))["offset"] == 1
