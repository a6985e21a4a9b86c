"""Ending orphaned broadcasts, on a thread of its own: PostgreSQL must not keep the dispatcher waiting."""

from __future__ import annotations

import threading
from uuid import UUID

import structlog
from django.db import Error, close_old_connections
from django.utils import timezone

from streaming import on_air, services
from streaming.bus import publication, reading
from streaming.bus.errors import BusError
from streaming.bus.redis import Valkey
from streaming.models import Broadcast
from workers.dispatcher.orphans import Orphans

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5.0


class Sweep(threading.Thread):
    """Compares the database with the bus every few seconds, until `stop` is set."""

    def __init__(self, bus: Valkey, *, grace_seconds: int, stop: threading.Event) -> None:
        super().__init__(name="sweep", daemon=True)
        self._bus = bus
        self._orphans = Orphans(grace_seconds * 1000)
        self._stop_event = stop

    def run(self) -> None:
        while not self._stop_event.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except (BusError, Error) as error:  # InterfaceError, of a cut connection, is no DatabaseError
                log.warning("sweep.failed", error=str(error))
            finally:
                close_old_connections()

    def sweep(self) -> None:
        """One comparison. Raises BusError, django.db.Error."""
        leases, now_ms = self._bus.run_all([reading.leases(), reading.now_ms()])
        open_ones = {str(key) for key in Broadcast.objects.open().values_list("pk", flat=True)}
        verdict = self._orphans.sweep(open_ones, leases, now_ms)
        for broadcast in verdict.in_database:
            log.warning("broadcast.orphaned", broadcast=broadcast)
            services.end_broadcast(broadcast_id=UUID(broadcast), now=timezone.now(), publish=on_air.publish_ended)
        for broadcast in verdict.on_bus:
            self._bus.run(publication.end(broadcast))
