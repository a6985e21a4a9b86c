"""Static files over ASGI."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings
from httpx import ASGITransport, AsyncClient

from config import settings
from config.assets import Assets

URL = "/static/player/stage.js"
SOURCE = settings.BASE_DIR / "static" / "player" / "stage.js"


def client(assets: Assets) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app=assets), base_url="http://localhost")


@pytest.fixture
async def http() -> AsyncIterator[AsyncClient]:
    async with client(Assets()) as http:
        yield http


async def test_serves_a_file_whole(http: AsyncClient) -> None:
    answer = await http.get(URL)
    assert answer.content == SOURCE.read_bytes()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-length"] == str(len(answer.content))


async def test_serves_a_range(http: AsyncClient) -> None:
    answer = await http.get(URL, headers={"Range": "bytes=10-19"})
    assert answer.status_code == 206
    assert answer.content == SOURCE.read_bytes()[10:20]


async def test_answers_a_condition_without_a_body(http: AsyncClient) -> None:
    modified = (await http.get(URL)).headers["last-modified"]
    answer = await http.get(URL, headers={"If-Modified-Since": modified})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_head_has_no_body(http: AsyncClient) -> None:
    answer = await http.head(URL)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == SOURCE.stat().st_size


async def test_refuses_to_be_written_to(http: AsyncClient) -> None:
    assert (await http.post(URL)).status_code == 405


@pytest.mark.parametrize("url", ["/static/none.js", "/static/", "/static/../manage.py", "/static/%2e%2e/manage.py"])
async def test_knows_only_what_was_found_at_the_start(http: AsyncClient, url: str) -> None:
    assert (await http.get(url)).status_code == 404


async def test_serves_the_compressed_copy_that_the_start_made(tmp_path: Path) -> None:
    with override_settings(STATIC_ROOT=tmp_path, WHITENOISE_USE_FINDERS=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        assets = Assets()
    async with client(assets) as http, http.stream("GET", URL, headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == SOURCE.read_bytes()
