"""The edge: what 500 players cost the origin, and how many requests it answers, live against static.

    python -m bench.edge [--players 500] [--seconds 30]

A broadcast in real time, one web process, HAProxy and Varnish in front of it by TLS. Players are HTTP clients that do
what hls.js does: a blocking reload, then the part it told of. Then `h2load` asks for live playlists, new parts and a
segment while the broadcast goes on, and for static files of the same sizes out of the same edge.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import secrets
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import uvloop

from bench import report
from bench.engines import Engines, valkeys
from bench.playback import BROADCAST, PART_MS, PARTS, Broadcast, fetch, running
from bench.rig import free_port
from deploy.edge.programs import Edge, Ports, find
from deploy.local.program import Program
from streaming.bus.redis import AsyncValkey

BASE = f"/streams/{BROADCAST}/source"
STATIC = "/static/bench"
WARM_SECONDS = 4
KINDS = 5
"""Addresses that `newest` names."""
LOADS = 3
"""Runs of each kind, in turn; the best of each is told, for others share the machine."""


class Clock:
    """When each part was appended to the bus."""

    def __init__(self) -> None:
        self.appended: dict[tuple[int, int], float] = {}


@dataclass
class Heard:
    """What all players were answered: times from a part's append until it was whole, in ms."""

    parts: list[float] = field(default_factory=list)
    playlists: list[float] = field(default_factory=list)
    requests: int = 0


class Player:
    """One viewer over one connection, by HTTP/1.1 and TLS."""

    def __init__(self, edge: Edge, clock: Clock, heard: Heard) -> None:
        self._edge, self._clock, self._heard = edge, clock, heard

    async def watch(self, first: tuple[int, int], tls: ssl.SSLContext, until: float) -> None:
        """Follows the broadcast from the part `first` on until the time `until` of time.perf_counter."""
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._edge.ports.https, ssl=tls, server_hostname="localhost"
        )
        msn, part = first
        try:
            while time.perf_counter() < until:
                await self._get(f"{BASE}/index.m3u8?_HLS_msn={msn}&_HLS_part={part}")
                self._note(self._heard.playlists, (msn, part))
                await self._get(f"{BASE}/{msn}.{part}.m4s")
                self._note(self._heard.parts, (msn, part))
                msn, part = divmod(msn * PARTS + part + 1, PARTS)
        finally:
            self._writer.close()

    def _note(self, times: list[float], which: tuple[int, int]) -> None:
        times.append(1_000 * (time.perf_counter() - self._clock.appended[which]))

    async def _get(self, path: str) -> bytes:
        self._heard.requests += 1
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise RuntimeError(f"{path} was answered {head.decode()}")
        found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if found:
            return await self._reader.readexactly(int(found[1]))
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):  # chunked: packed while it was sent
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return body


async def going_on(broadcast: Broadcast, clock: Clock, stop: asyncio.Event) -> None:
    """A part each 0.4 s, in real time."""
    due = time.perf_counter()
    while not stop.is_set():
        which = broadcast.next_part
        clock.appended[which] = time.perf_counter()
        await broadcast.put_part()
        due += PART_MS / 1_000
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - time.perf_counter())):
                await stop.wait()


def told(port: int) -> dict[str, float]:
    """How often the web process answered, by what."""
    lines = fetch(f"http://127.0.0.1:{port}/metrics").decode().splitlines()
    found: dict[str, float] = {}
    for line in lines:
        if match := re.match(r'headrace_playback_seconds_count\{status="(\d+)",what="(\w+)"\} (\S+)', line):
            found[match[2]] = found.get(match[2], 0) + float(match[3])
    return found


def cached(edge: Edge) -> dict[str, int]:
    """Varnish's counters of hits and misses."""
    argv = [find("varnishstat") or "varnishstat", "-n", str(edge.folder / "varnish"), "-1", "-j"]
    counters = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)["counters"]
    return {name: counters[f"MAIN.cache_{name}"]["value"] for name in ("hit", "miss", "hitmiss", "hitpass")}


async def watched(edge: Edge, broadcast: Broadcast, clock: Clock, metrics: int, given: Any) -> dict[str, Any]:
    """So many players for so long: what they heard, and what the origin was asked for."""
    heard, tls = Heard(), ssl.create_default_context(cafile=str(edge.certificate))
    until = time.perf_counter() + WARM_SECONDS + given.seconds
    players = [
        asyncio.create_task(Player(edge, clock, heard).watch(broadcast.next_part, tls, until))
        for _ in range(given.players)
    ]
    await asyncio.sleep(WARM_SECONDS)  # everyone has connected
    heard.parts.clear()
    heard.playlists.clear()
    asked, hits, appended = await asyncio.to_thread(told, metrics), cached(edge), len(clock.appended)
    await asyncio.gather(*players)
    parts = len(clock.appended) - appended
    now, then = await asyncio.to_thread(told, metrics), cached(edge)
    answered = {name: then[name] - hits[name] for name in then}
    return {
        "players": given.players,
        "parts": parts,
        "requests": heard.requests,
        "origin_requests_per_part": round((now["part"] - asked["part"]) / parts, 3),
        "origin_playlists_per_part": round((now["playlist"] - asked["playlist"]) / parts, 3),
        "hit_ratio": round(answered["hit"] / sum(answered.values()), 5),
        "playlist_ms": [round(report.percentile(heard.playlists, share), 1) for share in (0.5, 0.99, 1)],
        "part_ms": [round(report.percentile(heard.parts, share), 1) for share in (0.5, 0.99, 1)],
    }


async def load(edge: Edge, paths: Sequence[str], *, times: int) -> float:
    """Requests per second of these paths in turn, over 50 connections of HTTP/2."""
    uris = edge.folder / "uris"
    uris.write_text("".join(f"{edge.url}{path}\n" for path in paths))
    argv = ("h2load", "-n", str(times), "-c", "50", "-m", "4", "-i", str(uris))
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    said = (await process.communicate())[0].decode()
    speed, good = re.search(r"([\d.]+) req/s", said), re.search(rf"status codes: {times} 2xx", said)
    if not speed or not good:
        raise RuntimeError(said)
    return float(speed[1])


def newest(broadcast: Broadcast) -> list[str]:
    """What players ask for now: two playlists, two parts, a segment."""
    msn, _ = broadcast.next_part
    playlists = [f"{BASE}/index.m3u8", f"{BASE}/index.m3u8?_HLS_msn={msn - 1}"]
    return [*playlists, f"{BASE}/{msn - 1}.0.m4s", f"{BASE}/{msn - 1}.1.m4s", f"{BASE}/{msn - 2}.m4s"]


async def measure(broadcast: Broadcast, edge: Edge, metrics: int, given: Any) -> dict[str, Any]:
    clock, stop = Clock(), asyncio.Event()
    going = asyncio.create_task(going_on(broadcast, clock, stop))
    try:
        players = await watched(edge, broadcast, clock, metrics, given)
        speeds: dict[str, list[float]] = {"live": [], "static": []}
        for _ in range(LOADS):
            speeds["live"].append(await load(edge, newest(broadcast), times=given.times))
            speeds["static"].append(await load(edge, [f"{STATIC}/{n}.m4s" for n in range(KINDS)], times=given.times))
    finally:
        stop.set()
        await going
    best = {name: max(found) for name, found in speeds.items()}
    return {"players": players, "per_second": best, "runs": speeds, "share": round(best["live"] / best["static"], 3)}


def until_ready(program: Program) -> None:
    while not program.ready():
        time.sleep(0.05)


async def run(engines: Engines, given: Any) -> dict[str, Any]:
    port, metrics = free_port(), free_port()
    environment = {
        "DATA_DIR": str(engines.folder),
        "SECRET_KEY": secrets.token_hex(32),
        "BUS_URL": engines.bus_url,
        "STATE_URL": engines.state_url,
        "DATABASE_URL": "postgresql://nobody@/nothing",
        "METRICS_PORT": str(metrics),
    }
    web = (sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", str(port))
    quiet = ("--no-access-log", "--log-level", "warning", "--no-proxy-headers", "--no-server-header")
    bus = AsyncValkey(engines.bus_url)
    broadcast = Broadcast(bus, bitrate=given.bitrate)
    await broadcast.start(segments=10)
    static = engines.folder / "static" / "bench"
    static.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        with running(*web, *quiet, environment=environment):  # it indexes static files when it starts
            for number, path in enumerate(newest(broadcast)):
                body = await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}{path}", packed=True)
                (static / f"{number}.m4s").write_bytes(os.urandom(len(body)))
        stack.enter_context(running(*web, *quiet, environment=environment))
        await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}{STATIC}/0.m4s")
        ports = Ports(*(free_port() for _ in range(5)))
        edge = Edge(engines.folder / "edge", ports, live=[f"127.0.0.1:{port}"], pages=[f"127.0.0.1:{port}"])
        edge.prepare()
        for program in edge.programs():
            stack.enter_context(running(*program.command, environment=dict(program.env)))
            await asyncio.to_thread(until_ready, program)
        try:
            return await measure(broadcast, edge, metrics, given)
        finally:
            await bus.aclose()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.edge", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--players", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--times", type=int, default=20_000, help="requests of a run of h2load")
    parser.add_argument("--bitrate", type=int, default=400_000, help="of the source, in bit/s")
    given = parser.parse_args(arguments)
    if find("h2load") is None:
        parser.error("h2load is not installed (Debian: nghttp2-client)")
    with valkeys() as engines:
        engines.folder.chmod(0o755)  # Varnish compiles its rules as another user
        numbers = uvloop.run(run(engines, given))
    tell(numbers)
    print(report.save("edge", numbers))


def tell(numbers: dict[str, Any]) -> None:
    players = numbers["players"]
    columns = ["players", "parts", "origin requests per part", "hit ratio"]
    row = [players["players"], players["parts"], players["origin_requests_per_part"], players["hit_ratio"]]
    print(report.table("Players through the edge", columns, [row]))
    rows = [[what, *players[f"{what}_ms"]] for what in ("playlist", "part")]
    print(report.table("From a part's append until players have it", ["what", "median ms", "p99 ms", "last ms"], rows))
    rows = [[name, round(speed)] for name, speed in numbers["per_second"].items()]
    print(report.table(f"Through the edge: live is {numbers['share']} of static", ["what", "requests/s"], rows))


if __name__ == "__main__":
    main()
