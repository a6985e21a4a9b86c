"""What a load balancer asks."""

import pytest
from django.db import InterfaceError, connection
from django.test import Client

from streaming import on_air
from streaming.bus.redis import Valkey


def test_healthz_needs_nothing(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "up"}


@pytest.mark.django_db
def test_readyz_names_what_is_reached(client: Client, bus_url: str, state_url: str) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "database": "reached", "bus": "reached", "broker": "reached"}


@pytest.mark.django_db
def test_readyz_names_what_is_not_reached(client: Client, state_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Valkey("unix:///nowhere/valkey.sock")
    monkeypatch.setattr(on_air, "bus", lambda: nowhere)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "not ready", "database": "reached", "bus": "not reached", "broker": "reached"}


@pytest.mark.django_db
def test_readyz_survives_a_connection_that_breaks_off(client: Client, bus_url: str, state_url: str) -> None:
    def break_off(*_: object) -> None:
        raise InterfaceError("connection already closed")

    with connection.execute_wrapper(break_off):
        response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "not reached"
