"""What may be sent to the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp

from config.asgi import BoundedHandler, application
from config.bodies import MOST_BYTES, BoundedBodies

MEBIBYTE = b"x" * 1024**2


def size(request: HttpRequest) -> HttpResponse:
    return HttpResponse(len(request.FILES["picture"]) if request.FILES else len(request.body))


urlpatterns = [path("size", size)]


def test_it_is_for_all_pages() -> None:
    assert isinstance(application.pages, BoundedBodies)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        bounded = BoundedBodies(cast("ASGIApp", BoundedHandler()))
        async with AsyncClient(
            transport=ASGITransport(app=cast("Any", bounded)), base_url="http://localhost"
        ) as client:
            yield client


async def test_what_is_small_enough_comes_whole(client: AsyncClient) -> None:
    assert (await client.post("/size", files={"picture": MEBIBYTE})).text == str(1024**2)


async def test_what_says_that_it_is_larger_is_not_read(client: AsyncClient) -> None:
    answer = await client.post("/size", content=b"", headers={"content-length": str(MOST_BYTES + 1)})
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert "4 MiB" in answer.text


async def test_what_turns_out_to_be_larger_is_read_no_further(client: AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += len(MEBIBYTE)
            yield MEBIBYTE

    assert (await client.post("/size", content=endless())).status_code == 413
    assert sent <= MOST_BYTES + 2 * len(MEBIBYTE)
