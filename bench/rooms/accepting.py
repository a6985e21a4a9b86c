"""How many sockets of people who have signed in one process accepts, with a real database behind the sessions."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from bench.rig import BASE_DIR, Rig, RigFailed
from bench.rooms.crowd import crowd
from bench.rooms.server import Server

PEOPLE = 500
AT_ONCE = 100
_SIGN_IN = """
import django, json, sys
django.setup()
from django.conf import settings
from django.test import Client
from accounts.models import User
cookies = []
for number in range(int(sys.argv[1])):
    client = Client()
    client.force_login(User.objects.create_user(f"viewer_{number}"))
    cookies.append(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
print(json.dumps(cookies))
"""


def accept(sockets: int) -> tuple[float, float]:
    """Sockets that an installation accepts and welcomes, each with a session's cookie, as after a restart: how many a
    second, and how many a CPU second of its web process."""
    with Rig() as rig:
        channel = rig.streamer("bench")
        signed_in = subprocess.run(
            [sys.executable, "-c", _SIGN_IN, str(PEOPLE)],
            cwd=BASE_DIR,
            env=rig.environment,
            capture_output=True,
            check=False,
        )
        if signed_in.returncode:
            raise RigFailed("nobody could sign in", signed_in.stderr.decode(errors="replace"))
        cookies = json.loads(signed_in.stdout.splitlines()[-1])
        path = f"/ws/chat/{channel.login}/?history=0"
        web = Server(_web(rig.pid), rig.http_port)
        before = web.cpu_s
        seconds = asyncio.run(_ready_s(rig.http_port, sockets, path=path, cookies=cookies))
        return sockets / seconds, sockets / (web.cpu_s - before)


def _web(supervisor: int) -> int:
    """The process of the installation that serves chat."""
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        if b"config.asgi:application" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise RigFailed("no web process", "")


async def _ready_s(port: int, sockets: int, *, path: str, cookies: list[str]) -> float:
    async with crowd(port, sockets, path=path, cookies=cookies, at_once=AT_ONCE) as everyone:
        return everyone.ready_s
