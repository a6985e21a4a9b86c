"""The WebRTC transport of one session: DTLS by aiortc, over `ice`, and SRTP.

aiortc's peer connection decodes what it receives, on a thread per track, and hands each packet through two queues. So
its DTLS transport is used without it, as in ORTC, and packets go from the socket to receivers of ours. This is the only
file that touches what aiortc keeps to itself, which is why it is pinned to one version.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol, cast

import pylibsrtp
from aioice import Candidate
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport, RTCIceTransport
from aiortc.rtp import AnyRtcpPacket, RtcpPacket, is_rtcp

from streaming.ingest.whip import rtp
from streaming.ingest.whip.errors import Unavailable
from streaming.ingest.whip.ice import ANY_PORT, IcePath, NoWay, Ports
from streaming.ingest.whip.offer import SEND_TIME, Offer, Transport, answered_setup

LARGEST = 1_500
"""Bytes of a packet; no path carries more (RFC 8834 5), and SRTP is given a buffer of as many."""


class Receiver(Protocol):
    """What takes one track's packets."""

    def rtp(self, packet: rtp.RtpPacket) -> None: ...

    def rtcp(self, packet: AnyRtcpPacket) -> None: ...


class TransportFailed(Exception):
    """The path to the encoder could not be built."""


class WebRtcTransport:
    """Built for one offer: `gather`, then `connect`; `closed` is set when the encoder has gone.

    For an ICE restart `gather` again, then `reconnect`. `announced` are addresses that lead here though this machine
    doesn't have them.
    """

    def __init__(
        self, offer: Offer, certificate: RTCCertificate, *, ports: Ports = ANY_PORT, announced: Sequence[str] = ()
    ) -> None:
        self._offer = offer
        self._certificate = certificate
        self._announced = announced
        self._path = IcePath(ports, self._media)
        self._dtls = RTCDtlsTransport(cast("RTCIceTransport", self._path), [certificate])
        # The role follows from the offer; left alone, aiortc would take it from ICE.
        self._dtls._set_role("server" if answered_setup(offer.setup) == "passive" else "client")  # noqa: SLF001
        self._dtls.on("statechange", self._changed)
        self._send_time = next(
            (number for media in offer.media for number, uri in media.extensions if uri == SEND_TIME), 0
        )
        self._receivers: Mapping[int, Receiver] = {}
        self.closed = asyncio.Event()

    def deliver(self, receivers: Mapping[int, Receiver]) -> None:
        """Who takes packets from now on, by payload type."""
        self._receivers = receivers

    async def gather(self, *, near: str) -> Transport:
        """Open sockets on this machine's addresses: what the encoder is told of them.

        `near` is the address at which the encoder reached us: that candidate comes first. Raises Unavailable.
        """
        ours = await self._path.gather()
        if not ours:
            raise Unavailable("The server has no free port that media could be sent to.")
        lines = [candidate.to_sdp() for candidate in sorted(ours, key=lambda one: _rank(one.host, near))]
        mapped = [
            candidate.to_sdp().replace(f" {candidate.host} ", f" {address} ", 1)
            for address in self._announced
            for candidate in ours
            if ipaddress.ip_address(candidate.host).version == ipaddress.ip_address(address).version
        ]
        fingerprint = next(one.value for one in self._certificate.getFingerprints() if one.algorithm == "sha-256")
        # What was announced on purpose comes first: FFmpeg tries nothing but the first.
        return Transport(self._path.ufrag, self._path.password, fingerprint, (*mapped, *lines))

    async def connect(self) -> None:
        """Returns when media can come. Raises TransportFailed."""
        for candidate in self._offer.candidates:
            await self.add_candidate(candidate)
        if self._offer.complete:
            await self._path.end_candidates()
        try:
            await self._path.connect(ufrag=self._offer.ufrag, password=self._offer.password)
        except NoWay as error:
            raise TransportFailed("no path to the encoder was found (ICE)") from error
        fingerprints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in self._offer.fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints))
        if self._dtls.state != "connected":
            raise TransportFailed("the DTLS handshake failed")

    async def reconnect(self, *, ufrag: str, password: str, patience: float) -> bool:
        """Find another way to the encoder within `patience` s; media comes by the former one until then."""
        try:
            async with asyncio.timeout(patience):
                await self._path.connect(ufrag=ufrag, password=password)
        except NoWay:
            return False
        except TimeoutError:
            await self._path.give_up()
            return False
        return True

    async def add_candidate(self, line: str) -> None:
        """Take one of the encoder's addresses, the value of an a=candidate."""
        await self._path.add_candidate(Candidate.from_sdp(line))

    async def end_candidates(self) -> None:
        """The encoder has no further addresses."""
        await self._path.end_candidates()

    async def send(self, packet: AnyRtcpPacket) -> None:
        """Tell the encoder something; what finds no way is dropped."""
        with suppress(ConnectionError):
            await self._dtls._send_rtp(bytes(packet))  # noqa: SLF001

    async def close(self) -> None:
        """Say goodbye, and give the sockets back."""
        await self._dtls.stop()
        await self._path.close()

    def _changed(self) -> None:
        if self._dtls.state in {"closed", "failed"}:
            self.closed.set()

    def _media(self, data: bytes) -> None:
        """A packet of SRTP or SRTCP; one that isn't from the encoder, or makes no sense, is dropped."""
        srtp = self._dtls._rx_srtp  # noqa: SLF001
        if srtp is None or len(data) > LARGEST:
            return
        try:
            if is_rtcp(data):
                for told in RtcpPacket.parse(srtp.unprotect_rtcp(data)):
                    for receiver in self._receivers.values():
                        receiver.rtcp(told)
                return
            packet = rtp.parse(srtp.unprotect(data), send_time=self._send_time)
        except (pylibsrtp.Error, ValueError):
            return
        taker = self._receivers.get(packet.payload_type)
        if taker is not None:
            taker.rtp(packet)


def _rank(address: str, near: str) -> tuple[bool, int]:
    """Where a candidate stands: the address the encoder came to first, then IPv4, which every client speaks."""
    return address != near, ipaddress.ip_address(address).version
