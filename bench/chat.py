"""Chat under load: deliveries per CPU second, large rooms, many rooms, sign-ins, what one Valkey core validates.

python -m bench.chat [compare large many accept validate] [--sockets 1000] [--seconds 10] [--large 10000] [--rooms 2000]
                     [--servers ours node …]

Real sockets over loopback, in processes of listeners that share the machine with the servers. A delivery is one message
that one socket got whole; CPU seconds are those of the serving processes alone, by the kernel. Slowly sent messages
travel one a frame, quickly sent ones in batches. `stock` is Channels' group_send through channels_redis, `node` is `ws`
with one subscription, `socket.io` the same with socket.io. `bare` does nothing but one system call a frame, on sockets
whose handshake was all that it knows of WebSockets: what the kernel alone costs, and no server goes beyond.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import secrets
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from bench import report
from bench.engines import Engines, valkeys
from bench.rig import BASE_DIR

SERVERS = ("ours", "stock", "node", "socket.io", "bare")
PARTS = ("compare", "large", "many", "accept", "validate")
SLOW, FAST = 15, 400
"""Messages a second: fewer than one in 50 ms, and twenty in 50 ms."""
PROCESSES = 2
A_ROOM = 5
SOCKETS_A_PROCESS = int(resource.getrlimit(resource.RLIMIT_NOFILE)[1] * 0.9)
"""Of servers and of listeners alike: each socket is an open file."""
LOAD = 0.7
"""The share of a core that is planned with."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.chat", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them unless named")
    parser.add_argument("--sockets", type=int, default=1_000, help="in the one room of `compare`")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=SERVERS, help="that `compare` compares")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--large", type=int, default=10_000, help="sockets in the one room of `large`")
    parser.add_argument("--rooms", type=int, default=2_000, help=f"rooms of {A_ROOM} in `many`")
    given = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    parts = given.parts or PARTS
    told: dict[str, Any] = {}
    if "accept" in parts:
        from bench.rooms.accepting import accept

        told["accepted_a_second"], told["accepted_a_cpu_second"] = accept(given.sockets)
        print(
            f"Accepted with a session: {told['accepted_a_second']:,.0f} sockets a second,"
            f" {told['accepted_a_cpu_second']:,.0f} a CPU second\n"
        )
    with valkeys() as engines:
        _environment(engines, rooms=given.rooms)
        runs = []
        if "validate" in parts:
            from bench.rooms.validation import validate

            told["validated"] = asyncio.run(validate(engines.state_url, 20_000))
            print(f"Validation: {told['validated']:,} messages per CPU second of Valkey\n")
        if "compare" in parts:
            runs += asyncio.run(compare(engines, given.servers, given.sockets, given.seconds))
        if "large" in parts:
            runs += asyncio.run(large(engines, given.large, given.seconds))
        if "many" in parts:
            runs += asyncio.run(many(engines, given.rooms, given.seconds))
    told["runs"] = [run.to_json() for run in runs]
    if runs:
        from bench.rooms.run import COLUMNS

        print(report.table("Rooms", COLUMNS, [run.row() for run in runs]))
    if "validated" in told and runs:
        batched = max(run.per_cpu_second for run in runs if run.server == "ours")
        small = max((run.per_cpu_second for run in runs if "rooms" in run.server), default=0)
        print(growth(told["validated"], batched=batched, small=small))
    print(report.save("chat", told))


def growth(validated: int, *, batched: int, small: int) -> str:
    """What more needs, by arithmetic from one shard and one process: nothing here was run at this size.

    A shard is a Valkey core with its own rooms. `batched` and `small` are deliveries per CPU second, of a large busy
    room and of rooms of five.
    """
    rows = []
    for rate in (1_000, 10_000, 100_000, 1_000_000):
        cores = [
            -(-rate * each // int(speed * LOAD)) if speed else "-" for each, speed in ((5, small), (1_000, batched))
        ]
        rows.append([f"{rate:,}", -(-rate // int(validated * LOAD)), *cores])
    columns = ["messages/s", "Valkey cores", "cores of ours in rooms of 5", "in rooms of 1,000, batched"]
    return report.table(f"Growth, reckoned at {LOAD:.0%} of a core", columns, rows)


async def compare(engines: Engines, servers: Sequence[str], sockets: int, seconds: float) -> list[Any]:
    """Servers in turn, on the same Valkey."""
    from bench.rooms.messages import senders
    from bench.rooms.run import Pace
    from bench.rooms.server import UVICORN

    valkey = unquote(urlsplit(engines.state_url).path)
    rooms = BASE_DIR / "bench" / "rooms"
    io = {"path": "/socket.io/?EIO=4&transport=websocket", "greeting": "40", "ping": "2", "pong": "3"}
    runs = []
    async with senders(engines.state_url) as send:
        for name, argv, rates, options in (
            ("ours", [*UVICORN, "--port", "PORT", "bench.rooms.ours:application"], (SLOW, FAST), {}),
            ("stock", [*UVICORN, "--port", "PORT", "bench.rooms.stock:application"], (SLOW,), {}),
            ("node", ["node", str(rooms / "node.mjs"), "PORT", valkey], (SLOW, FAST), {}),
            ("socket.io", ["node", str(rooms / "socket_io.mjs"), "PORT", valkey], (SLOW, FAST), io),
            ("bare", [sys.executable, "-m", "bench.rooms.bare", "PORT", valkey], (SLOW,), {}),
        ):
            if name not in servers:
                continue
            paces = [Pace.steady(rate, seconds) for rate in rates]
            runs += await _run(name, [argv], send[name], paces, sockets=sockets, a_room=sockets, **options)
    return runs


async def large(engines: Engines, sockets: int, seconds: float) -> list[Any]:
    """One room over two processes: 5 messages a second, and 50 at once."""
    from bench.rooms.messages import senders
    from bench.rooms.run import Pace
    from bench.rooms.server import UVICORN

    argv = [*UVICORN, "--port", "PORT", "bench.rooms.ours:application"]
    paces = [Pace.steady(5, seconds), Pace(50, 2.0, int(seconds / 2))]
    async with senders(engines.state_url) as send:
        return await _run("ours", [argv] * PROCESSES, send["ours"], paces, sockets=sockets, a_room=sockets)


async def many(engines: Engines, rooms: int, seconds: float) -> list[Any]:
    """Rooms of five over two processes, by their number as a balancer that hashes would spread them.

    Over more processes where the limit of open files asks for it; they share the same cores.
    """
    from bench.rooms.messages import senders
    from bench.rooms.run import Pace
    from bench.rooms.server import UVICORN

    processes = PROCESSES
    while rooms % processes or rooms * A_ROOM / processes > SOCKETS_A_PROCESS:
        processes += 1
    argv = [*UVICORN, "--port", "PORT", "bench.rooms.ours:application"]
    paces = [Pace(20, 20 / rate, int(rate / 20 * seconds)) for rate in (500, 1_000, 2_000)]
    async with senders(engines.state_url, rooms=rooms) as send:
        return await _run(
            f"ours, {rooms} rooms",
            [argv] * processes,
            send["ours"],
            paces,
            sockets=rooms * A_ROOM,
            a_room=A_ROOM,
            path="/ws/chat/room{room}/?history=0",
        )


async def _run(
    name: str,
    argvs: Sequence[Sequence[str]],
    send: Any,
    paces: Sequence[Any],
    *,
    sockets: int,
    a_room: int,
    **plan: Any,
) -> list[Any]:
    """Starts a server for each argv, fills them alike, and measures each pace."""
    from bench.rooms.crowd import crowd
    from bench.rooms.run import measure
    from bench.rooms.server import listening, started

    share = sockets // len(argvs)
    async with contextlib.AsyncExitStack() as stack:
        servers = [stack.enter_context(started(argv)) for argv in argvs]
        for server in servers:
            await listening(server)
        before = sum(server.kib for server in servers)
        # A large room is in every process; of small ones each process has its own.
        alone = a_room == sockets
        opening = [
            crowd(server.port, share, first_room=0 if alone else number * share // a_room, a_room=a_room, **plan)
            for number, server in enumerate(servers)
        ]
        crowds = await asyncio.gather(*(stack.enter_async_context(one) for one in opening))
        await asyncio.sleep(1)
        kib = (sum(server.kib for server in servers) - before) / sockets
        return [await measure(name, servers, crowds, send, pace, a_room=a_room, kib_a_socket=kib) for pace in paces]


def _environment(engines: Engines, *, rooms: int) -> None:
    os.environ |= {
        "DATA_DIR": str(engines.folder),
        "SECRET_KEY": secrets.token_hex(32),
        "BUS_URL": engines.bus_url,
        "STATE_URL": engines.state_url,
        "DATABASE_URL": "postgresql://nobody@/nothing",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BENCH_ROOMS": str(rooms),
        "PYTHONPATH": str(BASE_DIR),
    }


if __name__ == "__main__":
    main()
