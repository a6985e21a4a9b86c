"""What a receiver says back to the encoder."""

from __future__ import annotations

from aiortc.rtp import RTCP_PSFB_APP, AnyRtcpPacket, RtcpPsfbPacket, unpack_remb_fci

from streaming.ingest.whip.offer import START_KBPS, read_offer
from streaming.ingest.whip.receiver import VideoReceiver
from streaming.ingest.whip.rtp import RtpPacket
from streaming.ingest.whip.timeline import RtpTimeline
from streaming.media import AccessUnit, Track

from .test_offer import CHROMIUM


def test_a_picture_that_stands_still_leaves_room_for_one_that_moves() -> None:
    now = 100.0
    said: list[AnyRtcpPacket] = []
    taken: list[Track | AccessUnit] = []
    media = read_offer(CHROMIUM).track("video")
    assert media is not None
    receiver = VideoReceiver(media, timeline=RtpTimeline(), take=taken.append, send=said.append, clock=lambda: now)
    # a slide: 20 kbit/s for ten seconds, each packet as soon as it was sent
    for number in range(100):
        now = 100 + number / 10
        sent = int(now * (1 << 18)) & 0xFFFFFF
        receiver.rtp(RtpPacket(media.payload_type, True, number, number * 9_000, 1, bytes(250), sent=sent))
    estimates = [
        unpack_remb_fci(packet.fci)[0]
        for packet in said
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP
    ]
    assert len(estimates) > 10
    assert min(estimates) > 0.95 * START_KBPS * 1000
