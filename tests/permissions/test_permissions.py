"""Every address of the URLconf answers each role as the matrix says, counts its writes and wants their CSRF token."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Set
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest
from channels.db import database_sync_to_async
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts.ratelimit import RateLimit, RateLimited
from streaming.ingest.whip import app as whip
from streaming.playback import app as playback
from tests.chat.conftest import Server, serve
from tests.permissions.matrix import ENCODERS, MATRIX, PLAYBACK, RECORDINGS, ROLES, SIGN_IN, SOCKETS, Answer, Row
from tests.permissions.world import World, make_world
from vods.playback import app as recordings

pytestmark = pytest.mark.django_db
ADMIN = "admin/"
HERE = [row for row in MATRIX if not row.live]
LIVE = [row for row in MATRIX if row.live]
WRITES = [row for row in HERE if row.method != "GET"]


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every address below a resolver, as the URLconf spells it."""
    for each in resolver.url_patterns:
        pattern = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each, pattern)
        else:
            assert isinstance(each, URLPattern)
            yield pattern


URLCONF = set(patterns(get_resolver()))


def address(pattern: str, facts: dict[str, str]) -> str:
    """The path that a pattern is met by, with the world's facts in its places."""
    path = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", pattern)
    path = path.replace("/?$", "").replace("/^", "/").replace("$", "").removeprefix("^")
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: facts[match[1]], path)


def filled(value: object, facts: dict[str, str]) -> object:
    """A body's value, a `{name}` in it replaced by the fact of that name."""
    return value.format_map(facts) if isinstance(value, str) else value


def ask(client: Client, row: Row, facts: dict[str, str]) -> Any:
    path = address(row.pattern, facts)
    if row.method == "GET":
        return client.get(path)
    if row.json is not None:
        body = {name: filled(value, facts) for name, value in row.json.items()}
        return getattr(client, row.method.lower())(path, body, content_type="application/json")
    if row.method == "DELETE":
        return client.delete(path)
    return client.post(path, {name: filled(value, facts) for name, value in row.data.items()})


def answer_of(response: Any) -> Answer:
    if response.streaming:
        b"".join(response.streaming_content)  # which closes the file
    location = response.headers.get("Location", "")
    if response.status_code == 302 and urlsplit(location).path == "/accounts/login/":
        return SIGN_IN
    return int(response.status_code)


@pytest.fixture
def world(settings: Settings, tmp_path: Path, bus_url: str) -> World:
    settings.MEDIA_ROOT = tmp_path
    return make_world()


def test_every_address_has_a_row() -> None:
    listed = {row.pattern for row in MATRIX}
    missing = sorted(pattern for pattern in URLCONF - listed if not pattern.startswith(ADMIN))
    assert not missing, (
        "These addresses have no row in tests/permissions/matrix.py. Say there what each role is answered:\n  "
        + "\n  ".join(missing)
    )


def test_every_row_has_an_address() -> None:
    gone = sorted({row.pattern for row in MATRIX} - URLCONF)
    assert not gone, "These rows of tests/permissions/matrix.py have no address any more:\n  " + "\n  ".join(gone)


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
BY_OTHERS = ("accounts/", "api/")
"""Pages of allauth and of Ninja, which take PUT, PATCH and DELETE for GET, or for a form with nothing in it."""


def test_what_has_no_row_is_no_method_of_an_address(world: World) -> None:
    client = world.client("owner")
    rows = {(row.method, row.pattern) for row in MATRIX}
    allowed = []
    for pattern in sorted(URLCONF):
        methods = METHODS[:2] if pattern.startswith(BY_OTHERS[0]) else METHODS
        for method in methods if not pattern.startswith((ADMIN, BY_OTHERS[1])) else ():
            if (method, pattern) not in rows:
                answer = getattr(client, method.lower())(address(pattern, world.facts))
                allowed += [f"{method} /{pattern}: {answer.status_code}"] if answer_of(answer) != 405 else []
    assert not allowed, "These have no row in tests/permissions/matrix.py:\n  " + "\n  ".join(allowed)


@pytest.mark.parametrize(
    ("routes", "name", "listed"),
    [
        (playback.create_app().routes, "PLAYBACK", PLAYBACK),
        (recordings.create_app().routes, "RECORDINGS", RECORDINGS),
        (whip.create_app(cast("Any", None)).routes, "ENCODERS", ENCODERS.keys()),
    ],
    ids=["playback", "recordings", "encoders"],
)
def test_media_has_the_addresses_that_the_matrix_knows(routes: list[BaseRoute], name: str, listed: Set[str]) -> None:
    found = {route.path for route in routes if isinstance(route, Route)}
    assert found == listed, f"Say in tests/permissions/matrix.py, in {name}, what media has an address."


MEDIA = Starlette(
    routes=[
        *playback.create_app(bus_url="unix:///nowhere", state_url="unix:///nowhere").routes,
        *recordings.create_app().routes,
        *whip.create_app(cast("Any", None)).routes,
    ]
)


@pytest.mark.parametrize("path", sorted({*PLAYBACK, *RECORDINGS, *ENCODERS}))
async def test_media_is_read_and_players_report_and_nothing_else(path: str) -> None:
    known = ENCODERS.get(path, {"POST"} if path.endswith("/heartbeat") else {"GET"})
    places = {"number": "7", "name": "source", "uuid": "00000000-0000-7000-8000-000000000007"}
    filled_in = re.sub(r"{(?:\w+:)?(\w+)}", lambda place: places.get(place[1], places["uuid"]), path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=MEDIA), base_url="http://localhost") as client:
        for method in set(METHODS) - known:
            assert (method, (await client.request(method, filled_in)).status_code) == (method, 405)


@pytest.mark.parametrize("row", HERE, ids=str)
def test_each_role_is_answered_as_the_matrix_says(row: Row, world: World) -> None:
    found: dict[str, Answer] = {}
    for role in ROLES:
        with transaction.atomic():
            found[role] = answer_of(ask(world.client(role), row, world.facts))
            transaction.set_rollback(True)  # the next role finds the world as it was
    assert found == dict(zip(ROLES, row.answers, strict=True))


@pytest.mark.parametrize("row", WRITES, ids=str)
def test_each_write_is_counted(row: Row, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write is told to wait, once a limit is reached."""
    if row.unlimited:
        return

    def reached(_limit: RateLimit, _who: str, *, now: datetime) -> None:
        raise RateLimited(retry_after=7)

    monkeypatch.setattr(RateLimit, "spend", reached)
    allowed = [role for role, answer in zip(ROLES, row.answers, strict=True) if answer in {200, 201, 204, 302, 422}]
    for role in allowed or ROLES:
        answer = ask(world.client(role), row, world.facts)
        assert (role, answer.status_code, answer["Retry-After"]) == (role, 429, "7"), "decorate it with limit_posts"


@pytest.mark.parametrize("row", WRITES, ids=str)
def test_each_write_wants_the_csrf_token(row: Row, world: World) -> None:
    """A form on a foreign page, sent with the streamer's cookie, changes nothing."""
    answer = ask(world.client("owner", enforce_csrf_checks=True), row, world.facts)
    assert answer.status_code == (401 if row.answers[0] == row.answers[4] == 401 else 403)


@pytest.mark.django_db(transaction=True)
def test_what_speaks_with_the_event_loop_too(
    session_folder: Path, bus_url: str, state_url: str, settings: Settings, tmp_path: Path
) -> None:
    with serve(session_folder) as server:
        for row in LIVE:
            for role, expected in zip(ROLES, row.answers, strict=True):
                settings.MEDIA_ROOT = tmp_path
                found = ask_server(server, make_world(), role, row)
                assert (str(row), role, found) == (str(row), role, expected)


def ask_server(server: Server, world: World, role: str, row: Row) -> int:
    assert row.json is not None
    cookies = {name: morsel.value for name, morsel in world.client(role).cookies.items()}
    with httpx.Client(base_url=server.url, cookies=cookies) as client:
        client.get("/accounts/password/reset/")  # its form brings the CSRF cookie
        token = client.cookies[django_settings.CSRF_COOKIE_NAME]
        body = {name: filled(value, world.facts) for name, value in row.json.items()}
        return client.post(address(row.pattern, world.facts), json=body, headers={"X-CSRFToken": token}).status_code


@pytest.mark.django_db(transaction=True)
async def test_each_role_s_socket_is_answered_as_the_matrix_says(
    session_folder: Path, bus_url: str, state_url: str, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    world = await database_sync_to_async(make_world)()
    with serve(session_folder) as server:
        for path, expected in SOCKETS.items():
            found = [await told(server, path.format_map(world.facts), world, role) for role in ROLES]
            assert (path, found) == (path, list(expected))
        for path in ("/ws/", "/ws/chat/", "/streams", "/"):
            with pytest.raises(InvalidStatus):
                await connect(f"ws://127.0.0.1:{server.port}{path}")


async def told(server: Server, path: str, world: World, role: str) -> str:
    """What somebody who says something hears: an `ack`, the code of an error, or that of the end."""
    client = await database_sync_to_async(world.client)(role)
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    url = f"ws://127.0.0.1:{server.port}{path}"
    async with connect(url, additional_headers={"Cookie": cookies}) as socket, asyncio.timeout(10):
        try:
            await socket.send(json.dumps({"type": "message", "text": f"hello from {role}"}))
            while (heard := json.loads(await socket.recv()))["type"] not in {"ack", "error"}:
                pass
        except ConnectionClosed:
            return str(socket.close_code)
        return str(heard.get("code", heard["type"]))


ADMINS = sorted(
    pattern
    for pattern in URLCONF
    if pattern.startswith(ADMIN) and not pattern.startswith(("admin/login", "admin/logout"))
)


@pytest.mark.parametrize("role", ROLES[:-1])
def test_the_admin_opens_to_nobody_but_staff(role: str, world: World) -> None:
    facts = dict.fromkeys(re.findall(r"<(?:\w+:)?(\w+)>", " ".join(ADMINS)), "1") | {"app_label": "accounts"}
    client = world.client(role)
    for pattern in ADMINS:
        answer = client.get(address(pattern, facts), follow=False)
        assert (pattern, answer.status_code in {301, 302, 403, 404, 405}) == (pattern, True)
        if answer.status_code in {301, 302}:
            assert answer["Location"].startswith(("/admin/login/", "/accounts/login/")), pattern


def test_staff_enters_the_admin(world: World) -> None:
    assert world.client("staff").get("/admin/").status_code == 200
