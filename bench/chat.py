"""One room with many sockets: deliveries per CPU second of the serving process, ours beside others.

python -m bench.chat [--sockets 1000] [--seconds 10] [--large 10000]

Real sockets over loopback, all in one process of listeners. A delivery is one message that one socket got whole; the
CPU seconds are those of the serving process alone, by the kernel. Slowly sent messages travel one a frame, quickly
sent ones in batches. `stock` is Channels' group_send through channels_redis, `node` is `ws` with a subscription.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bench import report
from bench.engines import Engines, valkeys
from bench.load import CLOCK_TICKS
from bench.rig import BASE_DIR, free_port

ROOM = "0190aaaa-0000-7000-8000-000000000001"
SLOW, FAST = 15, 400
"""Messages a second: fewer than one in 50 ms, and twenty in 50 ms."""
BODY = (
    '"type":"message","user":{"id":"0190aaaa-0000-7000-8000-00000000000a","login":"somebody","name":"somebody",'
    '"color":"#1e90ff","badges":["subscriber"]},"text":"what a play, what a play! hrWave",'
    '"emotes":[["g-hrwave",26,31]]}'
)

Sender = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement."""

    server: str
    sockets: int
    rate: int
    sent: int
    delivered: int
    doubled: int
    frames: int
    cpu_s: float
    last_ms_p50: float
    last_ms_p99: float
    kib_a_socket: float
    accepted_a_second: float

    @property
    def per_cpu_second(self) -> int:
        return int(self.delivered / self.cpu_s) if self.cpu_s else 0

    def row(self) -> list[object]:
        lost = self.sent * self.sockets - self.delivered
        return [
            self.server,
            self.sockets,
            self.rate,
            f"{self.per_cpu_second:,}",
            lost,
            self.doubled,
            round(self.last_ms_p50),
            round(self.last_ms_p99),
            round(self.kib_a_socket, 1),
            round(self.accepted_a_second),
        ]


COLUMNS = [
    *("server", "sockets", "messages/s", "deliveries/CPU s", "lost", "doubled"),
    *("last ms p50", "p99", "KiB/socket", "accepted/s"),
]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.chat", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--large", type=int, default=0, help="sockets of one more room")
    given = parser.parse_args(arguments)
    with valkeys() as engines:
        os.environ |= {
            "DATA_DIR": str(engines.folder),
            "SECRET_KEY": secrets.token_hex(32),
            "BUS_URL": engines.bus_url,
            "STATE_URL": engines.state_url,
            "DATABASE_URL": "postgresql://nobody@/nothing",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "BENCH_ROOM": ROOM,
            "PYTHONPATH": str(BASE_DIR),
        }
        validated = asyncio.run(validate(engines.state_url, 20_000))
        runs = asyncio.run(measure(engines, given.sockets, given.seconds, given.large))
    print(f"Validation: {validated:,} messages per CPU second of Valkey\n")
    print(report.table("One room", COLUMNS, [run.row() for run in runs]))
    named = [{"server": run.server, "per_cpu_second": run.per_cpu_second, **_facts(run)} for run in runs]
    print(report.save("chat", {"validated_per_valkey_cpu_second": validated, "runs": named}))


async def validate(url: str, count: int) -> int:
    """Messages per CPU second of Valkey that the posting call judges, numbers, keeps and publishes.

    From 1,000 people, each with words of its own, in 1,000 rooms, so that no limit and no sampling saves work.
    """
    from chat.bus import posting, rooms
    from chat.bus.posting import Limits
    from chat.facts import Facts
    from chat.standing import Standing
    from streaming.bus.layout import Call
    from streaming.bus.redis import AsyncValkey

    async def cpu_s() -> float:
        info: str = await valkey.run(Call(arguments=("INFO", "cpu"), parse=lambda reply: reply.decode()))
        facts = dict(line.split(":") for line in info.split() if ":" in line)
        return float(facts["used_cpu_user"]) + float(facts["used_cpu_sys"])

    valkey = AsyncValkey(url)
    people = [
        (
            f"0190aaaa-0000-7000-8000-{number:012x}",
            Standing(user=f"u{number}", login="somebody", color="#000000").pack(),
        )
        for number in range(1_000)
    ]
    for room, packed in people:
        await valkey.run(rooms.put_facts(Facts(room=room, login="bench", revision=1, emotes={})))
        await valkey.run(rooms.put_standing(room, "u", changes=0, packed=packed))
    limits = Limits(count=20, window_ms=30_000, repeat_ms=30_000)
    before = await cpu_s()
    for first in range(0, count, len(people)):
        calls = [
            posting.post(
                room,
                user="u",
                revision=1,
                standing=packed,
                text=f"words {first}",
                body=BODY,
                limits=limits,
                epoch="0" * 15,
            )
            for room, packed in people[: count - first]
        ]
        posted = await valkey.run_all(calls)
        assert all(one.shown for one in posted)
    spent = await cpu_s() - before
    await valkey.aclose()
    return int(count / spent)


async def measure(engines: Engines, sockets: int, seconds: float, large: int) -> list[Run]:
    """All servers in turn, on the same Valkey."""
    runs = []
    uvicorn = [
        *(sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--log-level", "error", "--no-access-log"),
        *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-ping-interval", "0"),
    ]
    node_socket = unquote(urlsplit(engines.state_url).path)
    async with _senders(engines.state_url) as send:
        for name, argv, rates in (
            ("ours", [*uvicorn, "bench.rooms.ours:application"], (SLOW, FAST)),
            ("stock", [*uvicorn, "bench.rooms.stock:application"], (SLOW,)),
            ("node", ["node", str(BASE_DIR / "bench" / "rooms" / "node.mjs")], (SLOW, FAST)),
        ):
            runs += await _one(name, argv, node_socket, send[name], sockets, rates, seconds)
        if large:
            argv = [*uvicorn, "bench.rooms.ours:application"]
            runs += await _one("ours", argv, node_socket, send["ours"], large, (5, 50), seconds)
    return runs


async def _one(
    name: str, argv: list[str], node_socket: str, send: Sender, sockets: int, rates: Sequence[int], seconds: float
) -> list[Run]:
    port = free_port()
    argv = [*argv, str(port), node_socket] if name == "node" else [*argv, "--port", str(port)]
    with _process(argv) as server:
        await _listening(port)
        before = _memory(server.pid)
        async with _listeners(port, sockets) as (ready, tell):
            await asyncio.sleep(1)
            memory = (_memory(server.pid) - before) / sockets
            runs = []
            for rate in rates:
                await tell()
                runs.append(
                    await _measure(name, server.pid, send, tell, sockets, rate, seconds, memory, sockets / ready)
                )
            return runs


async def _measure(  # the facts of one row
    name: str,
    pid: int,
    send: Sender,
    tell: Callable[[], Awaitable[dict[str, Any]]],
    sockets: int,
    rate: int,
    seconds: float,
    kib_a_socket: float,
    accepted_a_second: float,
) -> Run:
    sent_at = []
    cpu = _cpu_s(pid)
    began = time.perf_counter()
    count = int(rate * seconds)
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        sent_at.append(time.time())
        await send(number + 1)
    await asyncio.sleep(2)
    cpu = _cpu_s(pid) - cpu
    told = await tell()
    offsets = sorted(int(offset) for offset in told["last_at"])
    late = [(told["last_at"][str(offset)] - at) * 1000 for offset, at in zip(offsets, sent_at, strict=False)] or [0.0]
    return Run(
        server=name,
        sockets=sockets,
        rate=rate,
        sent=count,
        delivered=told["deliveries"],
        doubled=told["doubled"],
        frames=told["frames"],
        cpu_s=cpu,
        last_ms_p50=report.percentile(late, 0.5),
        last_ms_p99=report.percentile(late, 0.99),
        kib_a_socket=kib_a_socket,
        accepted_a_second=accepted_a_second,
    )


@contextlib.asynccontextmanager
async def _senders(url: str) -> AsyncIterator[dict[str, Sender]]:
    """How a message gets to each server. Offsets rise over the whole run."""
    from channels_redis.core import RedisChannelLayer

    from chat.bus import posting, rooms
    from chat.bus.layout import MESSAGE
    from chat.facts import Facts
    from streaming.bus.layout import Call
    from streaming.bus.redis import AsyncValkey

    valkey = AsyncValkey(url)
    layer = RedisChannelLayer(hosts=[url], capacity=100_000)
    numbers = iter(range(1, 10**9))

    async def ours(_number: int) -> None:
        await valkey.run(posting.append(ROOM, body=BODY, epoch="0" * 15, kind=MESSAGE))

    async def stock(_number: int) -> None:
        await layer.group_send("bench", {"type": "chat.message", "text": _record(next(numbers))})

    async def node(_number: int) -> None:
        arguments = ("PUBLISH", "bench", _record(next(numbers)))
        await valkey.run(Call(arguments=arguments, parse=lambda _reply: None))

    await valkey.run(rooms.put_facts(Facts(room=ROOM, login="bench", emotes={})))
    try:
        yield {"ours": ours, "stock": stock, "node": node}
    finally:
        await layer.close_pools()
        await valkey.aclose()


def _record(number: int) -> str:
    return f'{{"offset":{number},"ts":{int(time.time() * 1000)},"id":"{ROOM}",{BODY}'


@contextlib.contextmanager
def _process(argv: list[str]) -> Any:
    process = subprocess.Popen(argv, cwd=BASE_DIR)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            return


@contextlib.asynccontextmanager
async def _listeners(port: int, sockets: int) -> AsyncIterator[tuple[float, Callable[[], Awaitable[dict[str, Any]]]]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.rooms.listeners", str(port), str(sockets)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=BASE_DIR,
        limit=2**26,
    )
    assert process.stdin
    assert process.stdout
    stdin, stdout = process.stdin, process.stdout

    async def tell() -> dict[str, Any]:
        stdin.write(b"tell\n")
        await stdin.drain()
        told: dict[str, Any] = json.loads(await stdout.readline())
        return told

    try:
        ready = json.loads(await stdout.readline())["ready"]
        yield ready, tell
    finally:
        process.kill()
        await process.wait()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def _memory(pid: int) -> float:
    """Resident KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def _facts(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in run.__slots__ if name != "server"}


if __name__ == "__main__":
    main()
