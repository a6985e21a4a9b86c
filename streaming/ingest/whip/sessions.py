"""The WHIP sessions of this process: begun by an offer, found by their id, let go when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from aiortc import RTCCertificate

from streaming.ingest.clock import Clock
from streaming.ingest.connection import Open, Publisher, first_of
from streaming.ingest.errors import IngestError, PublishingRefused, Why
from streaming.ingest.limits import AddressBook, Limits
from streaming.ingest.whip.errors import (
    AlreadyLive,
    KeyMissing,
    TooMany,
    Unavailable,
    UnknownSession,
    Unsuitable,
    WhipError,
)
from streaming.ingest.whip.offer import Offer
from streaming.ingest.whip.session import Reach, WhipSession

CLOSING_SECONDS = 3.0
"""How long encoders' goodbyes may take together when the server stops."""
REFUSALS: dict[Why, type[WhipError]] = {
    Why.KEY: KeyMissing,
    Why.TRIES: TooMany,
    Why.TAKEN: AlreadyLive,
    Why.SERVER: Unavailable,
    Why.MEDIA: Unsuitable,
}

log = structlog.get_logger(__name__)


class Sessions:
    """Begins sessions while `running` lasts."""

    def __init__(
        self,
        *,
        open_publisher: Open,
        addresses: AddressBook,
        limits: Limits,
        clock: Clock,
        reach: Reach | None = None,
    ) -> None:
        self._open = open_publisher
        self._addresses = addresses
        self._limits = limits
        self._clock = clock
        self._reach = reach or Reach()
        self._certificate = RTCCertificate.generateCertificate()
        self._sessions: dict[str, WhipSession] = {}
        self._serving: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the block's end, encoders that are there are let go."""
        try:
            yield
        finally:
            for task in self._serving:
                task.cancel()
            if self._serving:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSING_SECONDS):
                        await asyncio.gather(*self._serving, return_exceptions=True)

    def find(self, name: str, key: str) -> WhipSession:
        """A session, for who has its key. Raises UnknownSession, KeyMissing."""
        session = self._sessions.get(name)
        if session is None:
            raise UnknownSession
        if not session.may(key):
            raise KeyMissing("This token is not the one that the session was begun with.")
        return session

    async def begin(self, offer: Offer, *, key: str, address: str, near: str) -> WhipSession:
        """A session that has its answer, and lives on by itself. `near` is where the encoder reached us.

        Raises WhipError.
        """
        begun: asyncio.Future[WhipSession] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._live(offer, begun, key=key, address=address, near=near))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return await begun

    async def _live(
        self, offer: Offer, begun: asyncio.Future[WhipSession], *, key: str, address: str, near: str
    ) -> None:
        """A session's whole life, as one of the address's connections; `begun` tells how it began."""
        try:
            with self._addresses.connected(address) as allowed:
                if not allowed:
                    raise TooMany("Too many encoders are connected from this address.")
                try:
                    publisher = await self._open(key, address)
                except PublishingRefused as refusal:
                    raise REFUSALS[refusal.why](refusal.sentence) from refusal
                await self._publish(offer, publisher, begun, key=key, near=near)
        except WhipError as refusal:
            if not begun.done():
                begun.set_exception(refusal)
        except Exception as error:
            # a fault of ours must not take the other encoders along
            log.exception("a WHIP session failed", address=address)
            if not begun.done():
                begun.set_exception(error)
        finally:
            begun.cancel()

    async def _publish(
        self, offer: Offer, publisher: Publisher, begun: asyncio.Future[WhipSession], *, key: str, near: str
    ) -> None:
        failure: IngestError | None = None
        try:
            session = WhipSession(
                offer,
                publisher,
                key=key,
                certificate=self._certificate,
                clock=self._clock,
                setup=self._limits.setup,
                reach=self._reach,
            )
            async with session.open(near):
                if not begun.done():  # who asked may have gone
                    begun.set_result(session)
                await self._serve(session)
        except* IngestError as failures:
            failure = first_of(failures)
            log.info("let an encoder go", sentence=failure.sentence)
        finally:
            await publisher.leave(failure)

    async def _serve(self, session: WhipSession) -> None:
        self._sessions[session.id] = session
        try:
            await session.serve()
        finally:
            del self._sessions[session.id]
