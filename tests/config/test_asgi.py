"""The one ASGI application: who answers which path, and how many views run at once."""

from __future__ import annotations

import asyncio
import threading
from uuid import UUID

import pytest
from asgiref.sync import ThreadSensitiveContext
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.asgi import VIEWS_AT_ONCE, Application, BoundedHandler

BROADCAST = UUID(int=7)


def answers(name: str) -> ASGIApp:
    """An application that answers every request with its name."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name.encode()})

    return application


async def accepts(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that opens every WebSocket."""
    await send({"type": "websocket.accept"})


def routed() -> Application:
    return Application(
        playback=answers("playback"),
        vods=answers("vods"),
        chat=accepts,
        assets=answers("assets"),
        pages=answers("pages"),
    )


class Gate:
    """A view that holds every request until the test opens it."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)
        self.lock = threading.Lock()
        self.inside = self.most = 0

    def view(self, request: HttpRequest) -> HttpResponse:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        assert self.opened.wait(30)
        with self.lock:
            self.inside -= 1
        return HttpResponse("through")


gate = Gate()


def query(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        row = cursor.fetchone()
    opened.append(connection.connection)
    return HttpResponse(str(row))


opened: list[object] = []
urlpatterns = [path("gate", gate.view), path("query", query)]


def client(application: object) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app=application), base_url="http://localhost")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        (f"/streams/{BROADCAST}/manifest.m3u8", "playback"),
        (f"/streams/{BROADCAST}/source/12.3.m4s", "playback"),
        (f"/streams/{BROADCAST}", "pages"),
        (f"/streams/{BROADCAST}/", "pages"),
        ("/streams/start", "pages"),
        (f"/vods/{BROADCAST}/source/0-4132.m4s", "vods"),
        (f"/vods/{BROADCAST}/manifest.m3u8", "vods"),
        (f"/clips/{BROADCAST}/clip.mp4", "vods"),
        (f"/vods/{BROADCAST}", "pages"),
        (f"/vods/{BROADCAST}/heartbeat", "pages"),
        ("/streams", "pages"),
        ("/static/player/stage.js", "assets"),
        ("/static", "pages"),
        ("/alice", "pages"),
        (f"/x/streams/{BROADCAST}/manifest.m3u8", "pages"),
    ],
)
async def test_each_path_has_its_owner(url: str, owner: str) -> None:
    async with client(routed()) as http:
        assert (await http.get(url)).text == owner


@pytest.mark.parametrize(
    ("url", "answer"),
    [("/ws/chat/alice", "websocket.accept"), ("/ws/other", "websocket.close"), ("/", "websocket.close")],
)
async def test_websockets_are_for_chat(url: str, answer: str) -> None:
    sent = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await routed()({"type": "websocket", "path": url}, receive, send)
    assert sent == [answer]


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
async def test_views_at_once_are_bounded_and_the_others_wait_their_turn() -> None:
    more = VIEWS_AT_ONCE + 8
    async with client(BoundedHandler()) as http, asyncio.TaskGroup() as group:
        requests = [group.create_task(http.get("/gate")) for _ in range(more)]
        for _ in range(VIEWS_AT_ONCE):
            assert await asyncio.to_thread(gate.entered.acquire, timeout=30)
        gate.opened.set()
    assert [request.result().text for request in requests] == ["through"] * more
    assert gate.most == VIEWS_AT_ONCE


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
async def test_connection_to_the_database_ends_with_its_view() -> None:
    async with ThreadSensitiveContext():
        response = await BoundedHandler().get_response_async(RequestFactory().get("/query"))
    assert response.status_code == 200
    assert opened[-1].closed  # type: ignore[attr-defined]
