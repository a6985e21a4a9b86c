"""What a load balancer asks."""

import pytest
from django.db import InterfaceError, connection
from django.test import Client

from streaming import on_air
from streaming.bus.redis import Valkey


def test_healthz_needs_nothing(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "up"}


@pytest.mark.django_db
def test_a_probe_may_call_a_process_by_any_name(client: Client, bus_url: str, state_url: str) -> None:
    """As the edge does, which knows addresses only."""
    named = {"host": "192.0.2.7:8000"}
    assert client.get("/", headers=named).status_code == 400
    assert [client.get(path, headers=named).status_code for path in ("/healthz", "/readyz")] == [200, 200]


@pytest.mark.django_db
def test_readyz_names_what_is_reached(client: Client, bus_url: str, state_url: str) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    names = ("database", "bus", "state", "broker")
    assert response.json() == {"status": "ready", **dict.fromkeys(names, "reached")}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["bus", "state", "broker"])
def test_readyz_names_what_is_not_reached(
    client: Client, bus_url: str, state_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    nowhere = Valkey("unix:///nowhere/valkey.sock")
    monkeypatch.setattr(on_air, name, lambda: nowhere)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert [each for each, word in response.json().items() if word == "not reached"] == [name]


@pytest.mark.django_db
def test_readyz_survives_a_connection_that_breaks_off(client: Client, bus_url: str, state_url: str) -> None:
    def break_off(*_: object) -> None:
        raise InterfaceError("connection already closed")

    with connection.execute_wrapper(break_off):
        response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "not reached"
