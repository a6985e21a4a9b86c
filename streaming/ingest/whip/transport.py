"""The WebRTC transport of one session: ICE, DTLS and SRTP, by aiortc.

aiortc's peer connection decodes what it receives, on a thread per track. So its transports are used without it, as
in ORTC, and media is handed to receivers of ours. This is the only file that touches what aiortc keeps to itself,
which is why it is pinned to one version.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
)
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import AnyRtcpPacket, RtpPacket
from aiortc.sdp import candidate_from_sdp, candidate_to_sdp

from streaming.ingest.whip.errors import BadRequest, Unavailable
from streaming.ingest.whip.offer import Media, Offer, Transport, answered_setup

MAX_CANDIDATES = 32
"""Addresses of one encoder that are tried."""


class Receiver(Protocol):
    """What takes one track's packets."""

    def rtp(self, packet: RtpPacket) -> None: ...

    def rtcp(self, packet: AnyRtcpPacket) -> None: ...


class TransportFailed(Exception):
    """The path to the encoder could not be built."""


class WebRtcTransport:
    """Built for one offer: `gather`, then `connect`; `closed` is set when the encoder has gone."""

    def __init__(self, offer: Offer, certificate: RTCCertificate) -> None:
        self._offer = offer
        self._certificate = certificate
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        # The role follows from the offer; left alone, aiortc would take it from ICE.
        self._dtls._set_role("server" if answered_setup(offer.setup) == "passive" else "client")  # noqa: SLF001
        self._candidates = 0
        self.closed = asyncio.Event()

    async def gather(self, *, near: str, announced: Sequence[str]) -> Transport:
        """Open sockets on this machine's addresses: what the encoder is told of them.

        `near` is the address at which the encoder reached us: that candidate comes first. `announced` are addresses
        that lead here though this machine doesn't have them. Raises Unavailable.
        """
        await self._gatherer.gather()
        ours = self._gatherer.getLocalCandidates()
        if not ours:
            raise Unavailable("The server has no network address that media could be sent to.")
        lines = [candidate_to_sdp(candidate) for candidate in sorted(ours, key=lambda one: _rank(one.ip, near))]
        mapped = [
            candidate_to_sdp(candidate).replace(f" {candidate.ip} ", f" {address} ", 1)
            for address in announced
            for candidate in ours
            if ipaddress.ip_address(candidate.ip).version == ipaddress.ip_address(address).version
        ]
        parameters = self._gatherer.getLocalParameters()
        fingerprint = next(one.value for one in self._certificate.getFingerprints() if one.algorithm == "sha-256")
        assert parameters.usernameFragment is not None
        assert parameters.password is not None
        # What was announced on purpose comes first: FFmpeg tries nothing but the first.
        return Transport(parameters.usernameFragment, parameters.password, fingerprint, (*mapped, *lines))

    def register(self, media: Media, receiver: Receiver) -> None:
        """Hand a track's packets to a receiver."""
        parameters = RTCRtpReceiveParameters(
            codecs=[
                RTCRtpCodecParameters(
                    mimeType=f"{media.kind}/{media.codec.partition('/')[0]}",
                    clockRate=media.clock_rate,
                    payloadType=media.payload_type,
                )
            ],
            headerExtensions=[RTCRtpHeaderExtensionParameters(id=number, uri=uri) for number, uri in media.extensions],
            muxId=media.mid,
        )
        self._dtls._register_rtp_receiver(_Handler(receiver, self.closed.set), parameters)  # noqa: SLF001

    async def connect(self) -> None:
        """Returns when media can come. Raises TransportFailed."""
        for candidate in self._offer.candidates:
            await self.add_candidate(candidate)
        if self._offer.complete:
            await self.end_candidates()
        await self._ice.start(RTCIceParameters(usernameFragment=self._offer.ufrag, password=self._offer.password))
        if self._ice.state != "completed":
            raise TransportFailed("no path to the encoder was found (ICE)")
        fingerprints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in self._offer.fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints))
        if self._dtls.state != "connected":
            raise TransportFailed("the DTLS handshake failed")

    async def add_candidate(self, line: str) -> None:
        """Take one of the encoder's addresses, the value of an a=candidate. Raises BadRequest.

        Those that are hidden behind an mDNS name are left out: the encoder finds us.
        """
        try:
            candidate = candidate_from_sdp(line)
            ipaddress.ip_address(candidate.ip)
        except (AssertionError, IndexError, ValueError) as error:
            if ".local " in line:
                return
            raise BadRequest(f"This is no ICE candidate: {line[:80]!r}.") from error
        if candidate.protocol.lower() == "udp" and candidate.component == 1 and self._candidates < MAX_CANDIDATES:
            self._candidates += 1
            await self._ice.addRemoteCandidate(candidate)

    async def end_candidates(self) -> None:
        """The encoder has no further addresses."""
        await self._ice.addRemoteCandidate(None)

    async def send(self, packet: AnyRtcpPacket) -> None:
        """Tell the encoder something; what finds no way is dropped."""
        with suppress(ConnectionError):
            await self._dtls._send_rtp(bytes(packet))  # noqa: SLF001

    async def close(self) -> None:
        """Say goodbye, and give the sockets back."""
        await self._dtls.stop()
        await self._ice.stop()


class _Handler:
    """A receiver in the shape that aiortc's router calls (`aiortc.rtcdtlstransport.RtpReceiver`)."""

    def __init__(self, receiver: Receiver, disconnected: Callable[[], None]) -> None:
        self._receiver = receiver
        self._handle_disconnect = disconnected

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:  # noqa: ARG002
        self._receiver.rtp(packet)

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        self._receiver.rtcp(packet)


def _rank(address: str, near: str) -> tuple[bool, int]:
    """Where a candidate stands: the address the encoder came to first, then IPv4, which every client speaks."""
    return address != near, ipaddress.ip_address(address).version
