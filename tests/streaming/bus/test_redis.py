from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from streaming.bus.epoch import epoch
from streaming.bus.errors import BusFull, BusUnavailable
from streaming.bus.layout import Call, Script, nothing
from streaming.bus.reading import chunks
from streaming.bus.redis import AsyncValkey, Valkey

ECHO = Script("return ARGV[1]")


def echo(word: str) -> Call[bytes]:
    return Call(arguments=(word,), parse=bytes, script=ECHO, keys=())


async def test_a_script_the_server_does_not_know_is_sent_once_more_with_its_text(bus: AsyncValkey) -> None:
    await bus.run(Call(("SCRIPT", "FLUSH"), nothing))
    assert await bus.run(echo("one")) == b"one"
    await bus.run(Call(("SCRIPT", "FLUSH"), nothing))
    assert await bus.run_all([echo("one"), echo("two")]) == [b"one", b"two"]


def test_threads_do_the_same(thread_bus: Valkey) -> None:
    thread_bus.run(Call(("SCRIPT", "FLUSH"), nothing))
    assert thread_bus.run_all([echo("one"), echo("two")]) == [b"one", b"two"]
    assert thread_bus.run(echo("three")) == b"three"


async def test_a_bus_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    bus = AsyncValkey(f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(BusUnavailable):
        await bus.run(epoch())
    with pytest.raises(BusUnavailable):
        await bus.run_all([epoch()])


async def test_a_server_that_hangs_up_is_unavailable_and_the_call_is_not_repeated(tmp_path: Path) -> None:
    calls = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        while data := await reader.read(4_096):
            if b"EVALSHA" in data:
                calls += 1
                break
            writer.write(b"+OK\r\n" * data.count(b"*"))
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / "s")
    async with server:
        bus = AsyncValkey(f"unix://{tmp_path}/s")
        with pytest.raises(BusUnavailable):
            await bus.run(epoch())
        await bus.aclose()
    assert calls == 1


def test_a_thread_sees_the_same(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        bus = Valkey(f"unix://{tmp_path}/s")
        with pytest.raises(BusUnavailable):
            bus.run(epoch())


async def test_a_full_bus_says_so(bus: AsyncValkey) -> None:
    bound = (await bus.run(Call(("CONFIG", "GET", "maxmemory"), list)))[1]
    await bus.run(Call(("CONFIG", "SET", "maxmemory", "1"), nothing))
    try:
        with pytest.raises(BusFull):
            await bus.run(Call(("SET", "x", "y"), nothing))
    finally:
        await bus.run(Call(("CONFIG", "SET", "maxmemory", bound), nothing))


async def test_blocking_reads_leave_calls_their_connections(bus_url: str) -> None:
    bus = AsyncValkey(bus_url, connections=1, readers=2)
    waiting = [asyncio.create_task(bus.run(chunks("b", {"source": b"0-0"}, block_ms=500))) for _ in range(2)]
    await bus.run(epoch())
    assert not any(task.done() for task in waiting)
    assert await asyncio.gather(*waiting) == [{}, {}]
    await bus.aclose()


async def test_a_cancellation_is_never_swallowed(bus: AsyncValkey) -> None:
    async def call_for_ever() -> None:
        while True:
            await bus.run_all([echo("one"), echo("two")])

    for steps in range(60):
        calling = asyncio.create_task(call_for_ever())
        for _ in range(steps):
            await asyncio.sleep(0)
        calling.cancel()
        done, _ = await asyncio.wait([calling], timeout=5)
        assert done, steps
