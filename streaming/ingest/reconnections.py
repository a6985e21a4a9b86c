"""Broadcasts whose encoder left: kept for a while, in case it comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from django.db import Error

from streaming import services
from streaming.bus import events, publication
from streaming.bus.errors import BusError, BusForgot, BusRefusal
from streaming.bus.redis import AsyncValkey
from streaming.cmaf.position import Position
from streaming.ingest.clock import Clock
from streaming.ingest.seat import Seat, take_seat
from streaming.media import BroadcastState, Description

TICK_SECONDS = 1.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Waiting:
    seat: Seat
    description: Description | None
    until: float


class Reconnections:
    """Holds the seats that encoders left, renews their leases, and ends what nobody came back to within `grace` s.

    Whoever takes a seat over, here or in another process, makes its token stale: then it is theirs.
    """

    def __init__(self, *, valkey: AsyncValkey, clock: Clock, grace: float) -> None:
        self._valkey = valkey
        self._clock = clock
        self._grace = grace
        self._waiting: dict[str, _Waiting] = {}

    def position(self, broadcast: str) -> Position | None:
        """Where a waiting broadcast stands."""
        waiting = self._waiting.get(broadcast)
        return waiting.seat.position if waiting is not None else None

    async def left(self, seat: Seat, description: Description | None) -> None:
        """The encoder of `seat` has gone: mark the broadcast as reconnecting and wait for it.

        A broadcast of which nobody has seen anything yet ends at once: there is nothing to come back to.
        """
        reconnecting = description and replace(description, state=BroadcastState.RECONNECTING)
        try:
            await self._valkey.run(publication.release(seat.broadcast, seat.token))
        except BusForgot:
            pass  # `tick` takes it again
        except BusRefusal as refusal:
            log.info("left a broadcast that is not ours any more", broadcast=seat.broadcast, reason=str(refusal))
            return
        except BusError as error:
            log.warning("left without telling the bus", broadcast=seat.broadcast, error=str(error))
        marked = await database_sync_to_async(services.mark_reconnecting)(
            broadcast_id=UUID(seat.broadcast), ingest=seat.ingest, now=self._clock.utc()
        )
        if not marked:
            return
        waiting = _Waiting(seat, reconnecting, self._clock.monotonic() + self._grace)
        try:
            if description is None and seat.position.msn == 0:
                await self._give_up(waiting, why="nothing was ever published")
                return
            log.info("reconnecting", broadcast=seat.broadcast, grace=self._grace)
            self._waiting[seat.broadcast] = waiting
            await self._announce(seat, reconnecting)
        except BusError as error:
            log.warning("could not tell the bus that an encoder left", broadcast=seat.broadcast, error=str(error))

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except Exception:
                # a fault of ours must not take the encoders along that are connected
                log.exception("tending broadcasts that wait failed")

    async def tick(self) -> None:
        """Renew each lease, and end what waited long enough."""
        for waiting in list(self._waiting.values()):
            broadcast = waiting.seat.broadcast
            try:
                if self._clock.monotonic() >= waiting.until:
                    await self._give_up(waiting, why="the encoder did not come back")
                else:
                    await self._renew(waiting)
            except BusRefusal as refusal:
                log.info("no longer waiting", broadcast=broadcast, reason=str(refusal))
                self._forget(waiting)
            except (BusError, Error) as error:
                log.warning("could not tend a waiting broadcast", broadcast=broadcast, error=str(error))

    async def _renew(self, waiting: _Waiting) -> None:
        seat = waiting.seat
        try:
            await self._valkey.run(publication.renew(seat.broadcast, seat.token))
        except BusForgot:
            waiting.seat = await take_seat(self._valkey, seat.broadcast, ingest=seat.ingest, known=seat.position)
            await self._valkey.run(publication.release(seat.broadcast, waiting.seat.token))
            await self._announce(waiting.seat, waiting.description)

    async def _announce(self, seat: Seat, description: Description | None) -> None:
        if description is not None:
            await self._valkey.run(publication.describe(description, seat.token))
        await self._valkey.run(events.publish(events.BroadcastReconnecting(seat.broadcast)))

    async def _give_up(self, waiting: _Waiting, *, why: str) -> None:
        seat = waiting.seat
        ended = await database_sync_to_async(services.give_up_broadcast)(
            broadcast_id=UUID(seat.broadcast), ingest=seat.ingest, now=self._clock.utc()
        )
        self._forget(waiting)
        if ended:
            log.info("ended", broadcast=seat.broadcast, why=why)
            await self._valkey.run(publication.end(seat.broadcast))

    def _forget(self, waiting: _Waiting) -> None:
        if self._waiting.get(waiting.seat.broadcast) is waiting:
            del self._waiting[waiting.seat.broadcast]
