"""The bookkeeper: one subject's trouble is its own."""

from __future__ import annotations

import threading

from streaming.bus import events, publication
from streaming.bus.epoch import epoch
from streaming.bus.layout import Call, key, nothing
from streaming.bus.redis import Valkey
from streaming.media import PART_TARGET_MS, SOURCE, VIDEO_TIMESCALE, BroadcastState, Description, Rendition
from tests.workers.ledger.conftest import Ledger, later, spec
from workers.ledger.bookkeeper import Bookkeeper

NO_UUID = "b"
"""What no broadcast of the database is called."""


def on_air(bus: Valkey) -> None:
    """Somebody publishes it all the same."""
    token = bus.run(publication.acquire(NO_UUID, in_epoch=bus.run(epoch()), ingest="test")).token
    source = Rendition(SOURCE, "avc1.64001F", 0, VIDEO_TIMESCALE, 640, 480, 30_000)
    bus.run(publication.describe(Description(NO_UUID, BroadcastState.LIVE, 0, PART_TARGET_MS, (source,)), token))
    bus.run(publication.renew(NO_UUID, token))
    bus.run(Call(("HSET", key(NO_UUID, "progress"), SOURCE, "40 0 0 0 40 0"), nothing))


def bookkeeper(bus: Valkey, ledger: Ledger) -> Bookkeeper:
    return Bookkeeper(bus, send=ledger.queue.append, stop=threading.Event())


def test_the_sweep_goes_on_where_one_subject_fails(bus: Valkey, ledger: Ledger) -> None:
    on_air(bus)
    ledger.open([spec("seal")])
    ledger.queue.clear()
    later(6)
    bookkeeper(bus, ledger).sweep()
    assert ledger.step("seal").pk in {wake.step for wake in ledger.queue}


def test_an_event_that_can_t_be_followed_is_left_behind(bus: Valkey, ledger: Ledger) -> None:
    heard: list[events.Event] = []

    class Hears(Bookkeeper):
        def heard(self, event: events.Event) -> None:
            heard.append(event)
            if len(heard) == 3:
                stop.set()
            super().heard(event)

    stop = threading.Event()
    listens = Hears(bus, send=ledger.queue.append, stop=stop)
    listens.step()  # from here on it listens
    told: list[events.Event] = [
        events.BroadcastHasEnded(NO_UUID),
        events.BroadcastHasEnded(NO_UUID),
        events.BroadcastStarted(NO_UUID),
    ]
    for event in told:
        bus.run(events.publish(event))
    listens.run()
    assert heard == told
