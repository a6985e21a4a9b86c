"""When this server has too much to do, who comes next is told so."""

from __future__ import annotations

import pytest
from channels.db import database_sync_to_async

from streaming import services
from streaming.bus import devices
from streaming.ingest.strain import LATE_SECONDS, TICK_SECONDS, TICKS, Strain
from streaming.models import Channel
from tests.streaming.ingest.conftest import Ingest
from tests.streaming.ingest.test_live import go_live

pytestmark = pytest.mark.django_db(transaction=True)


@database_sync_to_async
def make_partner() -> None:
    services.set_partner(channel_id=Channel.objects.get().pk, partner=True)


def overload(strain: Strain) -> None:
    for _ in range(TICKS):
        strain.woke(TICK_SECONDS + 2 * LATE_SECONDS)


async def refused(ingest: Ingest, key: str) -> str:
    encoder = await ingest.connect()
    assert await encoder.publish(key) == "NetStream.Publish.BadName"
    return encoder.client.statuses()[-1][1]


async def test_without_devices_to_spare_only_partners_begin(ingest: Ingest, key: str) -> None:
    await ingest.valkey.run(devices.run_short())
    assert "as many broadcasts as it can carry" in await refused(ingest, key)
    assert await ingest.broadcasts() == []
    await make_partner()
    await ingest.live(key)


async def test_who_was_on_before_may_return(ingest: Ingest, key: str) -> None:
    encoder, broadcast = await go_live(ingest, key)
    await encoder.close()
    await ingest.valkey.run(devices.run_short())
    overload(ingest.strain)
    await ingest.live(key)
    assert [str(each.pk) for each in await ingest.broadcasts()] == [broadcast]


async def test_an_ingest_that_comes_late_to_everything_takes_nobody(ingest: Ingest, key: str) -> None:
    await make_partner()
    overload(ingest.strain)
    assert "as many broadcasts as it can carry" in await refused(ingest, key)


def test_one_pause_is_no_overload() -> None:
    strain = Strain(lambda: 0.0)
    for _ in range(TICKS - 1):
        strain.woke(TICK_SECONDS + 1.0)
    assert not strain.is_over
    strain.woke(TICK_SECONDS)
    assert not strain.is_over
