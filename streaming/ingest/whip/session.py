"""One WHIP session: from an offer that was agreed to until the encoder has gone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from aiortc import RTCCertificate
from aiortc.rtp import AnyRtcpPacket

from streaming.ingest.clock import Clock
from streaming.ingest.connection import Publisher
from streaming.ingest.errors import IngestError, PublishingRefused
from streaming.ingest.whip.errors import Unavailable
from streaming.ingest.whip.ice import ANY_PORT, Ports
from streaming.ingest.whip.offer import IceUpdate, Offer, Transport, write_answer, write_fragment
from streaming.ingest.whip.receiver import SoundReceiver, TrackReceiver, VideoReceiver, reception
from streaming.ingest.whip.rtp import RtpPacket
from streaming.ingest.whip.timeline import RtpTimeline
from streaming.ingest.whip.transport import TransportFailed, WebRtcTransport
from streaming.media import AccessUnit, Track

TEND_SECONDS = 0.02
"""How often holes are looked after: as often as a packet may first be asked for."""
REPORT_SECONDS = 1.0
LAST_SECONDS = 0.1
"""How long media is taken after DELETE: what was sent before it, by UDP, may come after it."""
MAX_QUEUED = 200
"""RTCP packets that wait to be sent; more are dropped, for each is soon followed by a newer one."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reach:
    """How encoders reach this server: at which UDP ports, and at which addresses that it doesn't have itself."""

    ports: Ports = ANY_PORT
    announced: Sequence[str] = ()


class WhipSession:
    """Holds one encoder's transport and feeds its publisher.

    `answer` is there once `open` was entered; `serve` runs until the encoder goes, is told to, or `stop`.
    """

    def __init__(
        self,
        offer: Offer,
        publisher: Publisher,
        *,
        key: str,
        certificate: RTCCertificate,
        clock: Clock,
        setup: float,
        reach: Reach,
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.answer = ""
        self.tag = ""
        self._offer = offer
        self._publisher = publisher
        self._key = hashlib.sha256(key.encode()).digest()
        self._clock = clock
        self._setup = setup
        self._transport = WebRtcTransport(offer, certificate, ports=reach.ports, announced=reach.announced)
        self._theirs = offer.ufrag, offer.password
        self._changing = asyncio.Lock()
        self._tasks: asyncio.TaskGroup | None = None
        self._connected = False
        self._restarting: asyncio.Task[None] | None = None
        self._outgoing: asyncio.Queue[AnyRtcpPacket] = asyncio.Queue(MAX_QUEUED)
        self._finished = asyncio.Event()
        """The encoder says that it has finished."""
        self._stopped = asyncio.Event()
        """Nothing more is taken."""
        self._failure: Exception | None = None
        self._receivers = self._make_receivers()
        self._log = log.bind(session=self.id[:8])

    def may(self, key: str) -> bool:
        """Whether a token is the one that the session was begun with."""
        return hmac.compare_digest(self._key, hashlib.sha256(key.encode()).digest())

    @asynccontextmanager
    async def open(self, near: str) -> AsyncIterator[None]:
        """Gather addresses and write the answer; the transport is closed at the block's end. Raises WhipError.

        `near` is the address at which the encoder reached us.
        """
        try:
            ours = await self._gather(near)
            self.answer = write_answer(self._offer, ours, session=secrets.randbits(62))
            yield
        finally:
            await self._transport.close()

    async def _gather(self, near: str) -> Transport:
        ours = await self._transport.gather(near=near)
        # RFC 9725 4.3.1: one entity tag for each ICE session
        self.tag = f'"{hashlib.sha256(f"{self.id}:{ours.ufrag}".encode()).hexdigest()[:24]}"'
        return ours

    async def serve(self) -> None:
        """Take media until the end. Raises IngestError, in a group, when the encoder has to go."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            publishing = tasks.create_task(self._publisher.run())
            sending = tasks.create_task(self._send())
            try:
                async with asyncio.timeout(self._setup):
                    await self._transport.connect()
            except (TimeoutError, TransportFailed) as error:
                why = str(error) or f"no connection within {self._setup:.0f} s"
                raise PublishingRefused(f"The encoder can't be reached over UDP: {why}.") from error
            self._connected = True
            self._log.info("connected")
            tending = tasks.create_task(self._tend())
            await self._over()
            if self._finished.is_set() and self._failure is None:
                await asyncio.sleep(LAST_SECONDS)
            self._stopped.set()
            tending.cancel()
            sending.cancel()
            if self._restarting is not None:
                self._restarting.cancel()
            if self._failure is not None:
                raise self._failure
            self._publisher.finish()
            await publishing

    def stop(self) -> None:
        """The encoder says that it has finished (DELETE)."""
        self._finished.set()

    async def update(self, update: IceUpdate, *, near: str) -> str | None:
        """Take addresses that the encoder found later; with new credentials it is an ICE restart (RFC 9725 4.3.3).

        Returns the fragment that answers a restart, None where it was none. Raises Unavailable.
        """
        async with self._changing:
            theirs = update.ufrag, update.password
            fragment = None
            if all(theirs) and theirs != self._theirs:
                fragment = await self._restart(update, near=near)
            for candidate in update.candidates:
                await self._transport.add_candidate(candidate)
            if update.complete:
                await self._transport.end_candidates()
            return fragment

    async def _restart(self, update: IceUpdate, *, near: str) -> str:
        if self._tasks is None or not self._connected or self._stopped.is_set():
            raise Unavailable("The session is not connected yet, so there is nothing to restart.")
        ours = await self._gather(near)
        self._theirs = update.ufrag, update.password
        self._restarting = self._tasks.create_task(self._reconnect(update))
        return write_fragment(self._offer, ours)

    async def _reconnect(self, update: IceUpdate) -> None:
        found = await self._transport.reconnect(ufrag=update.ufrag, password=update.password, patience=self._setup)
        self._log.info("restarted ICE", found=found)

    def _make_receivers(self) -> list[TrackReceiver]:
        timeline, clock = RtpTimeline(), self._clock.monotonic
        receivers: list[TrackReceiver] = []
        by_type: dict[int, _Guarded] = {}
        for media in self._offer.media:
            receiver = (
                VideoReceiver(media, timeline=timeline, take=self._video, send=self._say, clock=clock)
                if media.kind == "video"
                else SoundReceiver(media, timeline=timeline, take=self._audio, send=self._say, clock=clock)
            )
            receivers.append(receiver)
            guarded = by_type[media.payload_type] = _Guarded(receiver, self._fail)
            if media.resent_as is not None:
                by_type[media.resent_as] = guarded
        self._transport.deliver(by_type)
        return receivers

    def _video(self, item: Track | AccessUnit) -> None:
        if not self._stopped.is_set():
            self._publisher.video(item)

    def _audio(self, item: Track | AccessUnit) -> None:
        if not self._stopped.is_set():
            self._publisher.audio(item)

    def _fail(self, failure: Exception) -> None:
        """The encoder has to go, or there is a fault of ours."""
        self._failure = self._failure or failure
        self._stopped.set()

    def _say(self, packet: AnyRtcpPacket) -> None:
        if not self._outgoing.full():
            self._outgoing.put_nowait(packet)

    async def _send(self) -> None:
        while True:
            await self._transport.send(await self._outgoing.get())

    async def _tend(self) -> None:
        report_at = self._clock.monotonic() + REPORT_SECONDS
        while True:
            await asyncio.sleep(TEND_SECONDS)
            now = self._clock.monotonic()
            try:
                for receiver in self._receivers:
                    receiver.tend(now)
            except IngestError as failure:
                self._fail(failure)
            if now >= report_at:
                report_at = now + REPORT_SECONDS
                for receiver in self._receivers:
                    receiver.count()
                if (report := reception(self._receivers, now)) is not None:
                    self._say(report)

    async def _over(self) -> None:
        """Returns when the encoder has gone, or was told to."""
        ends = [
            asyncio.ensure_future(event.wait()) for event in (self._finished, self._stopped, self._transport.closed)
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()


class _Guarded:
    """Hands packets on in the socket's callback; what goes wrong with them is told in the session's own task."""

    def __init__(self, receiver: TrackReceiver, fail: Callable[[Exception], None]) -> None:
        self._receiver = receiver
        self._fail = fail

    def rtp(self, packet: RtpPacket) -> None:
        try:
            self._receiver.rtp(packet)
        except Exception as failure:  # noqa: BLE001 - the session's task raises it, and that is logged
            self._fail(failure)

    def rtcp(self, packet: AnyRtcpPacket) -> None:
        try:
            self._receiver.rtcp(packet)
        except Exception as failure:  # noqa: BLE001 - the session's task raises it, and that is logged
            self._fail(failure)
