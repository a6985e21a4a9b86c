"""Playback: requests per second and core, and how long answers take, beside nginx serving the same bytes.

python -m bench.playback [--times 8000]

A core's capacity is requests divided by the CPU seconds the server took for them, so that neither the load generator
nor a busy machine counts. Latencies are those of 16 connections that ask one at a time. The last table is what live
viewers feel: many wait for the same part, and it is told how long after its append to the bus the last has it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.load import ask, cpu_seconds, request
from bench.rig import BASE_DIR, free_port
from deploy.local.valkey import Valkey
from streaming.bus import publication
from streaming.bus.redis import AsyncValkey
from streaming.media import SOURCE, BroadcastState, Chunk, Closes, Description, Rendition

BROADCAST = "0198c0de-0000-7000-8000-00000000be4c"
PARTS = 5
PART_MS = 400
BITRATE = 6_000_000
CONNECTIONS = 16
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 2048; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; gzip_static on;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }}
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    pid: int
    port: int


class Broadcast:
    """A synthetic broadcast on a bus: 2 s segments of five parts, at 6 Mbit/s unless told otherwise."""

    def __init__(self, bus: AsyncValkey, *, bitrate: int = BITRATE) -> None:
        self._bus = bus
        self._bitrate = bitrate
        self._token = ""
        self._next = 0

    async def start(self, segments: int) -> None:
        self._token = (await publication.take(self._bus, BROADCAST, ingest="bench")).token
        source = Rendition(SOURCE, "avc1.64001f", self._bitrate, 90_000, 1280, 720, 30_000)
        description = Description(BROADCAST, BroadcastState.LIVE, 2, PART_MS, (source,))
        await self._bus.run(publication.describe(description, self._token))
        for _ in range(segments * PARTS):
            await self.put_part()

    @property
    def next_part(self) -> tuple[int, int]:
        return divmod(self._next, PARTS)

    async def put_part(self) -> None:
        msn, part = self.next_part
        chunk = Chunk(
            msn=msn,
            part=part,
            dts=self._next * PART_MS * 90,
            duration=PART_MS * 90,
            wall_ms=1_700_000_000_000 + self._next * PART_MS,
            independent=part == 0,
            closes=Closes.SEGMENT if part == PARTS - 1 else Closes.PART,
            discontinuity=0,
            init=0,
            data=os.urandom(self._bitrate // 8 * PART_MS // 1000),
        )
        await self._bus.run(publication.append(BROADCAST, self._token, SOURCE, [chunk], leading=True))
        self._next += 1


@contextlib.contextmanager
def running(*argv: str, environment: dict[str, str] | None = None) -> Iterator[int]:
    whole = {**os.environ, **(environment or {})}
    with subprocess.Popen(argv, cwd=BASE_DIR, env=whole, stdout=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(10)


def fetch(url: str, *, packed: bool = False) -> bytes:
    """The body at `url`, once the server is up; as sent, even if packed."""
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip" if packed else "identity"})
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


async def capacity(server: Server, path: str, *, times: int, packed: bool = False) -> dict[str, Any]:
    message = request(path, packed=packed)
    await ask(server.port, message, connections=CONNECTIONS, times=200)
    before = cpu_seconds(server.pid)
    answers = await ask(server.port, message, connections=CONNECTIONS, times=times)
    cpu = cpu_seconds(server.pid) - before
    return {
        "server": server.name,
        "requests": times,
        "bytes": max(answers.sizes),
        "per_second_and_core": round(times / cpu) if cpu else None,
        "median_ms": round(1000 * report.median(answers.seconds), 2),
        "p99_ms": round(1000 * report.percentile(answers.seconds, 0.99), 2),
    }


async def waking(server: Server, broadcast: Broadcast, *, viewers: int) -> dict[str, Any]:
    """So many viewers wait for the next part; ms from its append until each has the playlist."""
    last: list[float] = []
    median: list[float] = []
    for _ in range(5):
        msn, part = broadcast.next_part
        path = f"/streams/{BROADCAST}/source/index.m3u8?_HLS_msn={msn}&_HLS_part={part}"
        waiting = asyncio.create_task(ask(server.port, request(path, packed=True), connections=viewers, times=viewers))
        await asyncio.sleep(0.5 + viewers / 1_000)  # all have asked; an answer before the append would show below
        appended = time.perf_counter()
        await broadcast.put_part()
        answers = await waiting
        assert min(answers.at) > appended, "a viewer did not wait"
        median.append(1000 * (report.median(answers.at) - appended))
        last.append(1000 * (max(answers.at) - appended))
    return {"viewers": viewers, "median_ms": round(report.median(median), 1), "last_ms": round(report.median(last), 1)}


async def measure(web: Server, nginx: Server, bus: AsyncValkey, www: Path, times: int) -> dict[str, Any]:
    broadcast = Broadcast(bus)
    await broadcast.start(segments=20)
    base = f"/streams/{BROADCAST}/source"
    (www / base.lstrip("/")).mkdir(parents=True)
    for name in ("index.m3u8", "19.0.m4s", "19.m4s"):
        body = fetch(f"http://127.0.0.1:{web.port}{base}/{name}")
        (www / f"{base.lstrip('/')}/{name}").write_bytes(body)
    packed = fetch(f"http://127.0.0.1:{web.port}{base}/index.m3u8", packed=True)
    (www / f"{base.lstrip('/')}/index.m3u8.gz").write_bytes(packed)
    throughput = []
    for what, path, count, is_packed in (
        ("playlist", "index.m3u8", times, False),
        ("playlist, gzip", "index.m3u8", times, True),
        ("part", "19.0.m4s", times // 4, False),
        ("segment", "19.m4s", times // 16, False),
    ):
        for server in (web, nginx):
            found = await capacity(server, f"{base}/{path}", times=count, packed=is_packed)
            throughput.append({"what": what, **found})
    wakes = [await waking(web, broadcast, viewers=viewers) for viewers in (1, 100, 500)]
    return {"throughput": throughput, "wakes": wakes}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.playback", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=8_000)
    times = parser.parse_args(arguments).times
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    folder.chmod(0o755)  # nginx's worker is another user
    (folder / "www").mkdir()
    try:
        numbers = serve_and_measure(folder, times)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    columns = ["what", "server", "bytes", "per_second_and_core", "median_ms", "p99_ms"]
    rows = [[row[column] for column in columns] for row in numbers["throughput"]]
    print(report.table("Playback beside nginx, 16 connections", columns, rows))
    rows = [[row["viewers"], row["median_ms"], row["last_ms"]] for row in numbers["wakes"]]
    print(report.table("From append to playlist", ["viewers who wait", "median ms", "last ms"], rows))
    print(report.save("playback", numbers))


def serve_and_measure(folder: Path, times: int) -> dict[str, Any]:
    bus, state = (
        Valkey(name=name, home=folder / name, sockets=folder / "run" / name, memory="1gb", durable=False)
        for name in ("bus", "state")
    )
    for valkey in (bus, state):
        valkey.prepare()
    web_port, nginx_port = free_port(), free_port()
    environment = {
        "DATA_DIR": str(folder),
        "SECRET_KEY": secrets.token_hex(32),
        "BUS_URL": bus.url,
        "STATE_URL": state.url,
        "DATABASE_URL": "postgresql://nobody@/nothing",
    }
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=nginx_port))
    web = ("-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", str(web_port))
    quiet = ("--no-access-log", "--log-level", "warning", "--no-proxy-headers", "--no-server-header")
    with contextlib.ExitStack() as stack:
        for valkey in (bus, state):
            program = valkey.program()
            stack.enter_context(running(*program.command, "--logfile", os.devnull))
            while not program.ready():
                time.sleep(0.02)
        web_pid = stack.enter_context(running(sys.executable, *web, *quiet, environment=environment))
        nginx_pid = stack.enter_context(running("nginx", "-c", str(folder / "nginx.conf")))
        servers = Server("headrace", web_pid, web_port), Server("nginx", nginx_pid, nginx_port)
        return asyncio.run(with_bus(bus.url, *servers, folder / "www", times))


async def with_bus(url: str, web: Server, nginx: Server, www: Path, times: int) -> dict[str, Any]:
    bus = AsyncValkey(url)
    try:
        return await measure(web, nginx, bus, www, times)
    finally:
        await bus.aclose()


if __name__ == "__main__":
    main()
