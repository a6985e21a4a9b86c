"""An origin to put the edge in front of: it says who it is, what it was asked, and waits when told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvicorn
from starlette.types import Receive, Scope, Send

from tests.deploy.installation import free_ports

MEGABYTE = 1_048_576
TAG = '"1"'
CACHES = {
    "-1.m4s": "public, max-age=31536000, s-maxage=1, immutable",
    ".m3u8": "public, max-age=6",
    ".mpd": "public, max-age=1",
    ".m4s": "public, max-age=31536000, immutable",
    ".mp4": "public, max-age=31536000, immutable",
}


@dataclass
class Origin:
    """`asked` holds `(path, query, headers)` of each request but probes. Paths with `wait` wait until `released`."""

    name: str
    port: int
    arrived: threading.Event
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    private: bool = False
    status: int = 200
    server: uvicorn.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _, _ in self.asked)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": self.name})
            await receive()
            return
        path, query = scope["path"], scope["query_string"].decode()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if path != "/healthz":
            self.asked.append((path, query, headers))
        if "wait" in path:
            self.arrived.set()
            await asyncio.to_thread(self.released.wait, 20)
        body = json.dumps({"origin": self.name, "path": path, "query": query, "headers": headers}).encode()
        if path.endswith((".m4s", ".mp4")):
            body = bytes(range(256)) * (MEGABYTE // 256)
        cache = next((rule for end, rule in CACHES.items() if path.endswith(end)), "no-store")
        if self.private:
            cache = cache.replace("public", "private")
        status = self.status if path != "/healthz" else 200
        if status == 200 and headers.get("if-none-match") == TAG:
            status, body = 304, b""
        answer = {"cache-control": cache, "content-type": "application/octet-stream", "etag": TAG}
        if scope["method"] == "POST":
            answer["location"] = f"{path}/{time.monotonic_ns()}"
        if status != 304:
            answer["content-length"] = str(len(body))
        encoded = [(name.encode(), value.encode()) for name, value in answer.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})


@contextlib.contextmanager
def serving(name: str, arrived: threading.Event) -> Iterator[Origin]:
    """Runs one until the block ends; `arrived` is set when somebody waits there."""
    [port] = free_ports(1)
    origin = Origin(name, port, arrived)
    config = uvicorn.Config(
        origin, host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False, ws="websockets-sansio"
    )
    origin.server = server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name=name)
    thread.start()
    try:
        yield origin
    finally:
        origin.released.set()
        server.should_exit = True
        thread.join()
