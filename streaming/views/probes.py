"""What a load balancer asks: is this process up, and does it reach what it needs."""

from __future__ import annotations

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from streaming import on_air
from streaming.bus import reading
from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"status": "up"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Whether the database and the Valkeys are reached, each by name; 503 when one is not."""
    valkeys = {"bus": on_air.bus(), "state": on_air.state(), "broker": on_air.broker()}
    reached = {"database": _database(), **{name: _valkey(valkey) for name, valkey in valkeys.items()}}
    ready = all(reached.values())
    words = {name: "reached" if well else "not reached" for name, well in reached.items()}
    return JsonResponse({"status": "ready" if ready else "not ready", **words}, status=200 if ready else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:  # InterfaceError, of a connection that broke off, is no DatabaseError
        return False
    return True


def _valkey(valkey: Valkey) -> bool:
    try:
        valkey.run(reading.now_ms())
    except BusError:
        return False
    return True
