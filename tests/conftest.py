"""Fixtures of the whole suite: real engines, started by the first test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.core.cache import cache
from hypothesis import settings as hypothesis

from tests import engines
from tests.settings import BUS_URL, SESSION_DIR, STATE_URL

# How long an example takes says something about the machine and its neighbours only.
hypothesis.register_profile("headrace", deadline=None)
hypothesis.load_profile("headrace")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cluster", action="store_true", help="run the end-to-end tests on what `make cluster` starts")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers come last: they are dear, and Playwright's event loop stays in this thread once it has begun."""
    items.sort(key=lambda item: "e2e" in item.path.parts)


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    with engines.session_folder(SESSION_DIR) as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_server(session_folder: Path) -> Iterator[None]:
    postgres = engines.postgres(session_folder)
    postgres.prepare()
    with engines.running(postgres.program()):
        yield


@pytest.fixture(scope="session")
def bus_server(session_folder: Path) -> Iterator[None]:
    valkey = engines.valkey(session_folder, "bus")
    valkey.prepare()
    with engines.running(valkey.program()):
        yield


@pytest.fixture(scope="session")
def state_server(session_folder: Path) -> Iterator[None]:
    valkey = engines.valkey(session_folder, "state")
    valkey.prepare()
    with engines.running(valkey.program()):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres_server: None, state_server: None) -> None:
    """pytest-django's hook: what a test of the site needs is up before the database is made."""


@pytest.fixture(autouse=True)
def empty_cache(request: pytest.FixtureRequest) -> None:
    """Rate limits and sessions of one test must not meet the next."""
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        request.getfixturevalue("state_server")
        cache.clear()


@pytest.fixture
def bus_url(bus_server: None) -> str:
    """The URL of an empty media bus."""
    return emptied(BUS_URL)


@pytest.fixture
def state_url(state_server: None) -> str:
    """The URL of an empty Valkey for broker, cache and channel layer."""
    return emptied(STATE_URL)


def emptied(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url
