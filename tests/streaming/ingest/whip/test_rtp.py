from __future__ import annotations

import contextlib

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpReceiveParameters
from aiortc.rtp import HeaderExtensions, HeaderExtensionsMap, wrap_rtx
from aiortc.rtp import RtpPacket as Written
from hypothesis import given
from hypothesis import strategies as st

from streaming.ingest.whip.offer import SEND_TIME
from streaming.ingest.whip.rtp import RtpPacket, parse, resent

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


def written(*, number: int = 2, extensions: HeaderExtensions | None = None, padding: int = 0, csrc: int = 0) -> bytes:
    """A packet as another implementation writes it; elements 3 and `number` are MID and abs-send-time."""
    packet = Written(96, 1, 0xFFFE, 0xFFFFFFFF, 7, b"payload")
    packet.csrc = list(range(csrc))
    packet.extensions = extensions or HeaderExtensions()
    packet.padding_size = padding
    known = HeaderExtensionsMap()
    known.configure(
        RTCRtpReceiveParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=3, uri=MID),
                RTCRtpHeaderExtensionParameters(id=number, uri=SEND_TIME),
            ]
        )
    )
    return packet.serialize(known)


def test_a_plain_packet_is_read() -> None:
    assert parse(written()) == RtpPacket(96, True, 0xFFFE, 0xFFFFFFFF, 7, b"payload")


def test_sources_and_padding_are_left_out() -> None:
    assert parse(written(csrc=3, padding=5)) == RtpPacket(96, True, 0xFFFE, 0xFFFFFFFF, 7, b"payload", padding=5)


def test_what_is_sent_again_has_its_own_number_back() -> None:
    original = Written.parse(written())
    again = wrap_rtx(original, payload_type=97, sequence_number=5, ssrc=8)
    assert resent(parse(again.serialize())) == RtpPacket(97, True, 0xFFFE, 0xFFFFFFFF, 8, b"payload")


@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_padding_that_comes_as_if_sent_again_is_nothing(padding: bytes) -> None:
    """Browsers probe the path with it."""
    assert resent(RtpPacket(97, False, 5, 0, 8, padding)) is None


@pytest.mark.parametrize("number", [2, 200])
@pytest.mark.parametrize("mid", ["0", "a mid of some length, which needs two bytes"])
def test_the_time_of_sending_is_found_in_either_form(number: int, mid: str) -> None:
    data = written(number=number, extensions=HeaderExtensions(mid=mid, abs_send_time=0x123456))
    assert parse(data, send_time=number).sent == 0x123456
    assert parse(data, send_time=9).sent is None
    assert parse(data, send_time=3).sent is None  # it has another length
    assert parse(data).sent is None
    assert parse(data, send_time=number).payload == b"payload"


@pytest.mark.parametrize("length", [0, 11, 13, 15, 19])
def test_what_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"RTP|cut off|longer"):
        parse(written(csrc=1, extensions=HeaderExtensions(mid="0"))[:length])


def test_padding_of_no_length_or_too_much_is_refused() -> None:
    data = written(padding=4)
    for size in (0, 200):
        with pytest.raises(ValueError, match="longer"):
            parse(data[:-1] + bytes((size,)))


@given(st.binary(max_size=80), st.integers(0, 255))
def test_whatever_comes_is_read_or_refused(data: bytes, send_time: int) -> None:
    for given_data in (data, b"\x90" + data):
        with contextlib.suppress(ValueError):
            assert len(parse(given_data, send_time=send_time).payload) <= len(given_data)
