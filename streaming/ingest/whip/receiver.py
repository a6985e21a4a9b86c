"""What comes over a session's transport, on its way to the publisher: one receiver a track, and what is said back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from secrets import randbits

from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    pack_remb_fci,
)

from streaming.ingest.whip import metrics
from streaming.ingest.whip.keyframes import KeyframePacer
from streaming.ingest.whip.offer import START_KBPS, Media
from streaming.ingest.whip.packets import PATIENCE, PacketQueue
from streaming.ingest.whip.pictures import PictureReader
from streaming.ingest.whip.reception import Reception
from streaming.ingest.whip.rtp import RtpPacket, resent
from streaming.ingest.whip.sound import SoundEncoder
from streaming.ingest.whip.timeline import RtpTimeline
from streaming.media import AccessUnit, Track

SOUND_PATIENCE = 0.2
"""Nobody sends lost sound again: it is waited for only as long as packets overtake each other."""
SSRC = randbits(32)
"""Ours, in what we say back."""
Take = Callable[[Track | AccessUnit], None]
Send = Callable[[AnyRtcpPacket], None]


class TrackReceiver(ABC):
    """What both kinds have in common: one stream, in order, on the session's timeline.

    `send` queues an RTCP packet, `clock` is steady, in seconds. The stream is the first that comes: another source on
    the same track is dropped.
    """

    def __init__(
        self,
        media: Media,
        *,
        timeline: RtpTimeline,
        take: Take,
        send: Send,
        clock: Callable[[], float],
        patience: float,
    ) -> None:
        self._media = media
        self._timeline = timeline
        self._take = take
        self._send = send
        self._clock = clock
        self._queue: PacketQueue[tuple[int, RtpPacket]] = PacketQueue(patience=patience)
        self._reception = Reception(media.clock_rate)
        self._ssrc: int | None = None
        self._report: tuple[int, float] = 0, 0.0
        """Middle 32 bits of the last sender report's NTP time, and when it came."""
        self._counted = 0, 0
        """Packets that came and were lost, as far as `metrics` knows."""

    def rtp(self, packet: RtpPacket) -> None:
        """Take a packet as it arrives, or one that is sent again, which has a stream of its own."""
        now = self._clock()
        if packet.payload_type == self._media.resent_as:
            self._arrived(packet, now)
            original = resent(packet)
            if original is None or self._ssrc is None:
                return
            packet = original
        else:
            if self._ssrc is None:
                self._ssrc = packet.ssrc
            if packet.ssrc != self._ssrc:
                return
            self._reception.arrived(packet.number, packet.time, now)
            self._arrived(packet, now)
        time = self._timeline.at(self._media.kind, packet.time, rate=self._media.clock_rate, now=now)
        if self._queue.passes(packet.number):
            self._read(packet, time)
        else:
            self._queue.add(packet.number, (time, packet), now)
            self._read_on(now)

    def rtcp(self, packet: AnyRtcpPacket) -> None:
        """Take a report of the sender."""
        if isinstance(packet, RtcpSrPacket) and packet.ssrc == self._ssrc:
            told = packet.sender_info
            self._report = (told.ntp_timestamp >> 16) & 0xFFFFFFFF, self._clock()
            self._timeline.report(self._media.kind, told.rtp_timestamp, told.ntp_timestamp)

    def tend(self, now: float) -> None:
        """Read on, and ask for what is missing: now and then, not with each packet that waits behind a hole."""
        self._read_on(now)

    def _read_on(self, now: float) -> None:
        for found in self._queue.take(now):
            if found is None:
                self._lost()
            else:
                time, packet = found
                self._read(packet, time)

    def report(self, now: float) -> RtcpReceiverInfo | None:
        """The reception report (RFC 3550 6.4.2), None before anything came."""
        reception = self._reception
        if self._ssrc is None or not reception.has_begun:
            return None
        middle, came = self._report
        return RtcpReceiverInfo(
            ssrc=self._ssrc,
            fraction_lost=reception.fraction_lost(),
            packets_lost=reception.lost,
            highest_sequence=reception.highest,
            jitter=reception.jitter,
            lsr=middle,
            dlsr=min(int((now - came) * 65_536), 0xFFFFFFFF) if middle else 0,
        )

    def count(self) -> None:
        """Tell `metrics` what came since the last time: counting each packet would cost more than reading it."""
        kind, (came, lost) = self._media.kind, self._counted
        self._counted = self._reception.received, self._queue.lost
        metrics.PACKETS.labels(kind).inc(self._counted[0] - came)
        metrics.LOST.labels(kind).inc(self._counted[1] - lost)
        if self._counted[0] > came:
            metrics.JITTER.labels(kind).observe(self._reception.jitter / self._media.clock_rate)

    def _arrived(self, packet: RtpPacket, now: float) -> None:  # noqa: B027 - sound does nothing
        """A packet came, whatever its turn."""

    def _lost(self) -> None:  # noqa: B027 - sound does nothing
        """Packets are missing before the next that is read."""

    @abstractmethod
    def _read(self, packet: RtpPacket, time: int) -> None:
        """A packet's turn has come; `time` is the timeline's."""


class VideoReceiver(TrackReceiver):
    """H.264, passed through. Lost packets are asked for (NACK), keyframes too (PLI), each where it was agreed to."""

    def __init__(
        self, media: Media, *, timeline: RtpTimeline, take: Take, send: Send, clock: Callable[[], float]
    ) -> None:
        super().__init__(media, timeline=timeline, take=take, send=send, clock=clock, patience=PATIENCE)
        self._pictures = PictureReader()
        self._pacer = KeyframePacer()
        self._bandwidth = RemoteBitrateEstimator() if "goog-remb" in media.feedback else None
        if self._bandwidth is not None:
            # Else it takes what comes in the first seconds for all that the path carries, and what moves after a still
            # picture is blurred for half a minute.
            self._bandwidth.rate_control.set_estimate(START_KBPS * 1000, int(clock() * 1000))

    def tend(self, now: float) -> None:
        super().tend(now)
        if self._ssrc is None:
            return
        if self._queue.has_holes and "nack" in self._media.feedback and (numbers := self._queue.ask(now)):
            metrics.ASKED_AGAIN.inc(len(numbers))
            self._send(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=SSRC, media_ssrc=self._ssrc, lost=numbers))
        if "nack pli" in self._media.feedback and self._pacer.due(now, waiting=self._pictures.waits_for_idr):
            metrics.KEYFRAMES_ASKED.inc()
            self._send(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=SSRC, media_ssrc=self._ssrc))

    def _arrived(self, packet: RtpPacket, now: float) -> None:
        """Estimate how much the path takes, and tell the encoder (draft-alvestrand-rmcat-remb)."""
        if self._bandwidth is None or packet.sent is None:
            return
        estimate = self._bandwidth.add(
            arrival_time_ms=int(now * 1000),
            abs_send_time=packet.sent,
            payload_size=len(packet.payload) + packet.padding,
            ssrc=packet.ssrc,
        )
        if estimate is not None:
            self._send(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=SSRC, media_ssrc=0, fci=pack_remb_fci(*estimate)))

    def _lost(self) -> None:
        self._pictures.lose()

    def _read(self, packet: RtpPacket, time: int) -> None:
        for item in self._pictures.read(packet.payload, time, marker=packet.marker):
            if isinstance(item, AccessUnit):
                self._pacer.picture(item)
            self._take(item)


class SoundReceiver(TrackReceiver):
    """Opus, encoded to AAC as it comes."""

    def __init__(
        self, media: Media, *, timeline: RtpTimeline, take: Take, send: Send, clock: Callable[[], float]
    ) -> None:
        super().__init__(media, timeline=timeline, take=take, send=send, clock=clock, patience=SOUND_PATIENCE)
        self._encoder = SoundEncoder()
        self._told = False

    def _read(self, packet: RtpPacket, time: int) -> None:
        if not self._told:
            self._told = True
            self._take(self._encoder.track)
        for unit in self._encoder.encode(packet.payload, time):
            self._take(unit)


def reception(receivers: list[TrackReceiver], now: float) -> RtcpRrPacket | None:
    """One receiver report of all tracks."""
    reports = [report for receiver in receivers if (report := receiver.report(now)) is not None]
    return RtcpRrPacket(ssrc=SSRC, reports=reports) if reports else None
