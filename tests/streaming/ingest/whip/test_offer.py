from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.ingest.whip import sdp
from streaming.ingest.whip.errors import BadRequest, Unsuitable, WhipError
from streaming.ingest.whip.offer import IceUpdate, Transport, answered_setup, read_offer, read_update, write_answer

CHROMIUM = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=ice-options:trickle
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=mid:0
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=rtpmap:9 G722/8000
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 107 108
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=mid:1
a=sendonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=rtcp-fb:103 nack pli
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:104 rtx/90000
a=rtpmap:107 H264/90000
a=rtcp-fb:107 goog-remb
a=rtcp-fb:107 transport-cc
a=rtcp-fb:107 ccm fir
a=rtcp-fb:107 nack
a=rtcp-fb:107 nack pli
a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:108 rtx/90000
a=fmtp:108 apt=107
a=candidate:1 1 udp 2122 192.0.2.1 5000 typ host
"""
OURS = Transport("ours", "secret", "CC:DD", ("1 1 udp 9 192.0.2.2 6000 typ host",))


def test_h264_in_whole_units_is_chosen_with_what_is_understood() -> None:
    offer = read_offer(CHROMIUM)
    video, audio = offer.track("video"), offer.track("audio")
    assert video is not None
    assert audio is not None
    assert (video.payload_type, video.mid, video.feedback) == (107, "1", ("goog-remb", "nack", "nack pli"))
    assert (audio.payload_type, audio.mid, audio.feedback) == (111, "0", ())
    assert (video.resent_as, audio.resent_as) == (108, None)
    assert [number for number, _ in audio.extensions] == [2, 4]
    assert (offer.ufrag, offer.setup, offer.complete) == ("abcd", "actpass", False)
    assert offer.candidates == ("1 1 udp 2122 192.0.2.1 5000 typ host",)


def test_the_answer_agrees_to_every_track_on_one_transport() -> None:
    answer = sdp.parse(write_answer(read_offer(CHROMIUM), OURS, session=1))
    assert answer.session.value("group") == "BUNDLE 0 1"
    audio, video = answer.media
    assert (audio.formats, video.formats) == (("111",), ("107", "108"))
    assert [section.value("setup") for section in answer.media] == ["passive", "passive"]
    assert list(audio.values("candidate")) == list(OURS.candidates)
    assert list(video.values("candidate")) == []
    assert all(section.has(flag) for section in answer.media for flag in ("recvonly", "rtcp-mux", "rtcp-rsize"))
    fmtp = video.value("fmtp") or ""
    assert "profile-level-id=42e034" in fmtp
    assert "108 apt=107" in video.values("fmtp")
    assert "stereo=1" in (audio.value("fmtp") or "")


@pytest.mark.parametrize(
    ("offered", "answered"), [("actpass", "passive"), ("passive", "active"), ("active", "passive")]
)
def test_the_dtls_role_is_the_other_one(offered: str, answered: str) -> None:
    assert answered_setup(offered) == answered


@given(st.lists(st.sampled_from(CHROMIUM.splitlines()), max_size=60), st.text(max_size=20))
def test_whatever_is_offered_is_answered_or_refused(lines: list[str], more: str) -> None:
    with contextlib.suppress(WhipError):
        write_answer(read_offer("\n".join([*lines, more])), OURS, session=1)


def test_packets_must_tell_which_track_they_are_of() -> None:
    with pytest.raises(Unsuitable, match="two payload types"):
        read_offer(CHROMIUM.replace("107", "111"))


def test_a_fragment_has_candidates_and_perhaps_credentials() -> None:
    update = read_update(
        "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2u\r\n"
        "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n"
    )
    assert (update.ufrag, update.password, len(update.candidates), update.complete) == ("EsAw", "P2u", 1, True)
    assert read_update("a=candidate:1 1 udp 1 192.0.2.1 9 typ host") == IceUpdate(
        "", "", ("1 1 udp 1 192.0.2.1 9 typ host",), complete=False
    )
    with pytest.raises(BadRequest, match="belong together"):
        read_update("a=ice-ufrag:EsAw")


@pytest.mark.parametrize(
    ("candidate", "kept"),
    [
        ("1 1 udp 2122 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport x", "1 1 udp 2122 192.0.2.1 5000 typ srflx"),
        ("1 1 UDP 2122 2001:db8::1 5000 typ host", "1 1 UDP 2122 2001:db8::1 5000 typ host"),
        ("1 1 tcp 1518 192.0.2.1 9 typ host tcptype active", None),
        ("1 2 udp 2122 192.0.2.1 5001 typ host", None),
        ("1 1 udp 2122 f81d4fae-7dec.local 5000 typ host", None),
        ("1 1 udp 2122 encoder.example.org 5000 typ host", None),
    ],
)
def test_candidates_that_can_not_be_tried_are_left_out(candidate: str, kept: str | None) -> None:
    assert read_update(f"a=candidate:{candidate}").candidates == ((kept,) if kept else ())


@pytest.mark.parametrize("broken", ["", "1 1 udp", "a b c d e f g h", "1 1 udp 1 192.0.2.1 99999999999 typ host"])
def test_what_is_no_candidate_is_refused(broken: str) -> None:
    for read in (read_update, lambda text: read_offer(CHROMIUM + text)):
        with pytest.raises(BadRequest, match="no ICE candidate"):
            read(f"a=candidate:{broken}\r\n")
