"""Who may publish: from a stream key to a publisher in its broadcast's seat."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket

import structlog
from channels.db import database_sync_to_async
from django.db import Error

from streaming import services
from streaming.bus import devices, reading
from streaming.bus import errors as bus
from streaming.bus.publication import QUIET_MS
from streaming.bus.redis import AsyncValkey
from streaming.errors import BroadcastEnded, KeyRefused, NoRoom, Overloaded
from streaming.ingest import metrics
from streaming.ingest.clock import Clock
from streaming.ingest.errors import PublishingRefused, Why
from streaming.ingest.limits import AddressBook
from streaming.ingest.publisher import Publisher
from streaming.ingest.reconnections import Reconnections
from streaming.ingest.seat import Seat, take_seat
from streaming.ingest.strain import Strain

ATTEMPTS = 3
"""How often a broadcast that ends while it is being resumed is begun anew."""
FULL = 0.9
"""The share of the bus's memory from which on no broadcast begins; the rest is for those that are on."""
RETRY_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Pauses between attempts to reach the bus."""

log = structlog.get_logger(__name__)


class Door:
    """Checks stream keys, begins and resumes broadcasts, and takes their seats on the bus.

    The database decides that a channel has one broadcast, the bus that a broadcast has one publisher.
    """

    def __init__(
        self,
        *,
        valkey: AsyncValkey,
        clock: Clock,
        addresses: AddressBook,
        reconnections: Reconnections,
        strain: Strain,
        quiet_ms: int = QUIET_MS,
    ) -> None:
        self._valkey = valkey
        self._clock = clock
        self._addresses = addresses
        self._reconnections = reconnections
        self._strain = strain
        self._quiet_ms = quiet_ms
        self._process = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._numbers = itertools.count(1)

    async def open(self, key: str, address: str) -> Publisher:
        """A publisher for the key's broadcast. Raises PublishingRefused."""
        if not self._addresses.may_try(address):
            metrics.REFUSALS.labels("address").inc()
            raise PublishingRefused("Too many wrong stream keys came from this address: wait a minute.", Why.TRIES)
        try:
            seat = await self._seat(key)
        except KeyRefused as refusal:
            self._addresses.wrong_key(address)
            metrics.REFUSALS.labels("key").inc()
            raise PublishingRefused(str(refusal), Why.KEY) from refusal
        except NoRoom as refusal:
            log.warning("no room for another broadcast", code=refusal.code)
            metrics.REFUSALS.labels("overload" if isinstance(refusal, Overloaded) else "room").inc()
            raise PublishingRefused(str(refusal), Why.SERVER) from refusal
        except bus.PublisherRefused as refusal:
            log.info("already live", broadcast=refusal.broadcast, holder=refusal.holder)
            metrics.REFUSALS.labels("taken").inc()
            raise PublishingRefused(
                "This channel is already live from another encoder. Stop that one first; "
                "if it has lost its connection, try again in a few seconds.",
                Why.TAKEN,
            ) from refusal
        except (bus.BusError, Error) as error:
            log.error("can't take a broadcast", error=str(error))
            sentence = "The server can't take a broadcast at the moment: try again soon."
            metrics.REFUSALS.labels("bus").inc()
            raise PublishingRefused(sentence, Why.SERVER) from error
        return Publisher(seat, valkey=self._valkey, clock=self._clock, left=self._reconnections.left)

    async def _seat(self, key: str) -> Seat:
        ingest = f"{self._process}:{next(self._numbers)}"
        for _ in range(ATTEMPTS):
            has_room, overloaded = await self._room()
            broadcast, existed = await database_sync_to_async(services.find_or_begin_broadcast)(
                key=key, ingest=ingest, now=self._clock.utc(), has_room=has_room, overloaded=overloaded
            )
            name = str(broadcast.pk)
            try:
                seat = await self._take(name, ingest, partner=broadcast.channel.partner)
                if existed:
                    await database_sync_to_async(services.resume_broadcast)(
                        broadcast_id=broadcast.pk, key=key, ingest=ingest
                    )
            except (BroadcastEnded, bus.BroadcastEnded):
                continue  # somebody ended it just now: the next attempt begins another
            except (bus.BusUnavailable, bus.BusFull):
                # nothing comes of it here: it waits for an encoder, and the dispatcher ends it if none comes
                await database_sync_to_async(services.mark_reconnecting)(
                    broadcast_id=broadcast.pk, ingest=ingest, now=self._clock.utc()
                )
                raise
            # Each connection is served by a task of its own: all that it says from here on names them.
            structlog.contextvars.bind_contextvars(broadcast=name, channel=str(broadcast.channel_id))
            return seat
        metrics.REFUSALS.labels("ended").inc()
        raise PublishingRefused("The broadcast was ended while it was being resumed: try again.", Why.SERVER)

    async def _room(self) -> tuple[bool, services.Overload]:
        """Whether there is memory for another broadcast, and who could not cope with it."""
        if self._strain.is_over:
            return True, services.Overload.INGEST
        try:
            fullness, short = await self._valkey.run_all([reading.fullness(), devices.are_short()])
        except bus.BusUnavailable:
            return True, services.Overload.NO  # whoever takes the seat waits for the bus, and finds out
        return fullness < FULL, services.Overload.DEVICES if short else services.Overload.NO

    async def _take(self, broadcast: str, ingest: str, *, partner: bool) -> Seat:
        known = self._reconnections.position(broadcast)
        pauses = iter(RETRY_SECONDS)
        while True:
            try:
                return await take_seat(
                    self._valkey, broadcast, ingest=ingest, known=known, quiet_ms=self._quiet_ms, partner=partner
                )
            except bus.BusUnavailable:
                # connections to a bus that was restarted fail once each
                pause = next(pauses, None)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
