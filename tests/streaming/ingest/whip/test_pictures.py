from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.cmaf import avc
from streaming.ingest.errors import PublishingRefused
from streaming.ingest.whip.pictures import PictureReader
from streaming.media import AccessUnit, Codec, Track

from .encoder import pictures

SPS = bytes.fromhex("6742c01e95a0280bfe5c04400000030040000007a3c58ba8")
PPS = bytes.fromhex("68ce3c80")
IDR = b"\x65\x88" + bytes(range(200))
P1 = b"\x41\x9a" + bytes(range(100))
P2 = b"\x41\x9b" + bytes(range(50))


def aggregate(*nals: bytes) -> bytes:
    return b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def fragments(nal: bytes, size: int = 60) -> list[bytes]:
    """FU-A (RFC 6184 5.8)."""
    pieces = [nal[at : at + size] for at in range(1, len(nal), size)]
    flags = [0x80, *[0] * (len(pieces) - 2), 0x40]
    indicator = bytes((nal[0] & 0xE0 | 28,))
    return [indicator + bytes((flag | nal[0] & 0x1F,)) + piece for flag, piece in zip(flags, pieces, strict=True)]


def unit(*nals: bytes) -> bytes:
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def read(reader: PictureReader, payloads: list[bytes], time: int) -> list[Track | AccessUnit]:
    found: list[Track | AccessUnit] = []
    for number, payload in enumerate(payloads, start=1):
        found += reader.read(payload, time, marker=number == len(payloads))
    return found


def begun() -> PictureReader:
    reader = PictureReader()
    track, picture = read(reader, [aggregate(SPS, PPS), *fragments(IDR)], 0)
    assert isinstance(track, Track)
    assert picture == AccessUnit(0, 0, unit(IDR), sync=True)
    return reader


def test_a_track_comes_before_its_first_picture() -> None:
    (track, _) = read(PictureReader(), [SPS, PPS, *fragments(IDR)], 0)
    assert isinstance(track, Track)
    assert (track.codec, track.config) == (Codec.H264, avc.configuration([SPS], [PPS]))
    assert (avc.parse(track.config).width, avc.parse(track.config).height) == (640, 360)


def test_pictures_pass_as_they_were_coded() -> None:
    reader = begun()
    assert read(reader, [P1], 3_000) == [AccessUnit(3_000, 3_000, unit(P1), sync=False)]
    assert read(reader, fragments(P2, 20), 6_000) == [AccessUnit(6_000, 6_000, unit(P2), sync=False)]


def test_a_unit_without_a_marker_ends_with_the_next() -> None:
    reader = begun()
    assert list(reader.read(P1, 3_000, marker=False)) == []
    assert read(reader, [P2], 6_000) == [
        AccessUnit(3_000, 3_000, unit(P1), sync=False),
        AccessUnit(6_000, 6_000, unit(P2), sync=False),
    ]


def test_after_a_loss_nothing_is_shown_until_the_next_idr() -> None:
    reader = begun()
    reader.lose()
    assert reader.waits_for_idr
    assert read(reader, [P1], 3_000) == []
    assert read(reader, [P2], 6_000) == []
    assert read(reader, [aggregate(SPS, PPS), *fragments(IDR)], 9_000) == [
        AccessUnit(9_000, 9_000, unit(IDR), sync=True)
    ]
    assert not reader.waits_for_idr


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_an_idr_that_lost_a_packet_is_no_beginning(missing: int) -> None:
    reader = begun()
    sent = [aggregate(SPS, PPS), *fragments(IDR)]
    for number, payload in enumerate(sent):
        if number == missing:
            reader.lose()
        else:
            assert list(reader.read(payload, 3_000, marker=number == len(sent) - 1)) == []
    assert read(reader, [P1], 6_000) == []


def test_reading_begins_with_the_first_whole_idr() -> None:
    reader = PictureReader()
    assert read(reader, [*fragments(IDR)[1:]], 0) == []
    assert read(reader, [P1], 3_000) == []
    assert [type(item) for item in read(reader, [aggregate(SPS, PPS), *fragments(IDR)], 6_000)] == [Track, AccessUnit]


def test_changed_parameter_sets_are_another_track() -> None:
    reader = begun()
    other = bytes.fromhex("68ce3c81")
    (track, _) = read(reader, [aggregate(SPS, other), *fragments(IDR)], 3_000)
    assert isinstance(track, Track)
    assert other in track.config
    (picture,) = read(reader, [aggregate(SPS, other), *fragments(IDR)], 6_000)
    assert isinstance(picture, AccessUnit)


def test_padding_is_no_picture() -> None:
    reader = begun()
    assert list(reader.read(b"", 3_000, marker=False)) == []
    assert read(reader, [P1], 3_000) == [AccessUnit(3_000, 3_000, unit(P1), sync=False)]


def test_b_frames_are_refused_with_a_sentence() -> None:
    reader = begun()
    read(reader, [P1], 6_000)
    with pytest.raises(PublishingRefused, match="B-frames"):
        read(reader, [P2], 3_000)


@pytest.mark.parametrize("payload", ["7800", "78ffff65", "7c85", "7c0500", "790000", "65"])
def test_broken_payloads_are_a_loss(payload: str) -> None:
    reader = begun()
    assert list(reader.read(bytes.fromhex(payload), 3_000, marker=True)) == []
    assert read(reader, [P1], 6_000) == []
    assert reader.waits_for_idr


@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 3), st.booleans()), max_size=40))
def test_whatever_comes_what_goes_out_is_well_formed(packets: list[tuple[bytes, int, bool]]) -> None:
    reader, time = PictureReader(), 0
    for payload, pause, marker in packets:
        time += pause * 3_000
        for item in reader.read(payload, time, marker=marker):
            assert isinstance(item, Track | AccessUnit)


def test_a_configuration_of_high_profile_tells_its_chroma_format() -> None:
    sent = pictures("-preset", "veryfast", "-profile:v", "high", seconds=1)[0].data
    nals = [nal for nal in sent.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if nal]
    sps = [nal for nal in nals if nal[0] & 0x1F == 7]
    assert sps[0][1] == 100
    config = avc.configuration(sps, [nal for nal in nals if nal[0] & 0x1F == 8])
    assert config.endswith(b"\xfd\xf8\xf8\0")
    assert avc.parse(config).width == 320
