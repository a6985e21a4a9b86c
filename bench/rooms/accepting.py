"""How many sockets of people who have signed in one process accepts, with a real database behind the sessions."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from bench.rig import BASE_DIR, Rig, RigFailed
from bench.rooms.crowd import crowd

PEOPLE = 200
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


def accept(sockets: int) -> float:
    """Sockets a second that an installation accepts and welcomes, each with a session's cookie, of 200 people."""
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
        return sockets / asyncio.run(_ready_s(rig.http_port, sockets, path=path, cookies=cookies))


async def _ready_s(port: int, sockets: int, *, path: str, cookies: list[str]) -> float:
    async with crowd(port, sockets, path=path, cookies=cookies) as everyone:
        return everyone.ready_s
