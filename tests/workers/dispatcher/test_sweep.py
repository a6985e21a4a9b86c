"""The sweep, on a real database and a real bus."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from streaming import services
from streaming.bus import publication, reading
from streaming.bus.epoch import epoch
from streaming.bus.events import BroadcastHasEnded, newest_id, read_events
from streaming.bus.redis import Valkey
from streaming.media import BroadcastState
from streaming.models import Broadcast
from workers.dispatcher.sweep import Sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broadcast() -> Broadcast:
    """Alice is live."""
    now = timezone.now()
    channel = services.create_channel(user=User.objects.create_user("alice", password="pass word 1"), now=now)
    _, key = services.issue_key(channel_id=channel.pk, now=now)
    return services.find_or_begin_broadcast(key=key, ingest="gone", now=now)[0]


def lease(bus: Valkey, broadcast: str, lease_ms: int) -> None:
    token = bus.run(publication.acquire(broadcast, in_epoch=bus.run(epoch()), ingest="gone")).token
    bus.run(publication.renew(broadcast, token, lease_ms=lease_ms))


def sweep(bus: Valkey, grace_seconds: int) -> None:
    Sweep(bus, grace_seconds=grace_seconds, stop=threading.Event()).sweep()


def test_a_broadcast_whose_ingest_died_ends_everywhere(bus: Valkey, broadcast: Broadcast) -> None:
    lease(bus, str(broadcast.pk), -1_000)
    before = bus.run(newest_id())
    sweep(bus, grace_seconds=0)
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.ENDED
    assert bus.run(reading.leases()) == {}
    assert [event for _, event in bus.run(read_events(before, block_ms=10))] == [BroadcastHasEnded(str(broadcast.pk))]


def test_a_broadcast_with_an_ingest_goes_on(bus: Valkey, broadcast: Broadcast) -> None:
    lease(bus, str(broadcast.pk), 5_000)
    sweep(bus, grace_seconds=0)
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.LIVE


def test_the_grace_is_kept(bus: Valkey, broadcast: Broadcast) -> None:
    lease(bus, str(broadcast.pk), -1_000)
    sweep(bus, grace_seconds=60)
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.LIVE


def test_a_broadcast_that_ended_unheard_ends_on_the_bus(bus: Valkey, broadcast: Broadcast) -> None:
    lease(bus, str(broadcast.pk), 5_000)
    services.end_broadcast(broadcast_id=broadcast.pk, now=timezone.now(), publish=lambda _: None)
    sweep(bus, grace_seconds=60)
    assert bus.run(reading.leases()) == {}


class Once(threading.Event):
    """Set when it is waited for a second time."""

    def wait(self, timeout: float | None = None) -> bool:
        was_set = self.is_set()
        self.set()
        return was_set


def test_a_connection_that_was_cut_ends_no_thread(bus: Valkey, broadcast: Broadcast) -> None:
    lease(bus, str(broadcast.pk), -1_000)
    connection.ensure_connection()
    connection.connection.close()  # behind Django's back, as a server that goes
    Sweep(bus, grace_seconds=0, stop=Once()).run()
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.LIVE
    Sweep(bus, grace_seconds=0, stop=Once()).run()
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.ENDED
