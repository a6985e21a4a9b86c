from __future__ import annotations

import itertools

import av
import pytest

from streaming.ingest.whip.sound import FRAME, LONGEST_HOLE, RATE, SoundEncoder
from streaming.media import AccessUnit, Codec

from .encoder import Coded, sounds

PACKET = 960


def encoded(packets: list[Coded], *, shift: int = 0) -> list[AccessUnit]:
    encoder = SoundEncoder()
    return [unit for packet in packets for unit in encoder.encode(packet.data, packet.at + shift)]


def is_continuous(units: list[AccessUnit]) -> bool:
    return all(after.dts - before.dts == FRAME for before, after in itertools.pairwise(units))


def test_frames_of_aac_follow_each_other_on_the_packets_timeline() -> None:
    units = encoded(sounds(2), shift=777)
    assert is_continuous(units)
    # the encoder's priming comes first
    assert units[0].dts == 777 - FRAME
    assert 2 * RATE - 4 * FRAME < units[-1].dts - 777 < 2 * RATE
    track = SoundEncoder().track
    assert (track.codec, track.sample_rate, track.channels, track.config[:2].hex()) == (Codec.AAC, RATE, 2, "1190")


def test_the_sound_is_the_one_that_was_sent() -> None:
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = SoundEncoder().track.config
    samples = bytearray()
    for unit in encoded(sounds(1)):
        for frame in decoder.decode(av.Packet(unit.data)):
            samples += bytes(frame.planes[0])[: frame.samples * 4]
    loud = memoryview(samples).cast("f")[RATE // 4 : RATE // 2]
    crossings = sum(before < 0 <= after for before, after in itertools.pairwise(loud))
    assert crossings == pytest.approx(125, abs=3)  # 500 Hz for a quarter of a second


def test_a_packet_of_padding_alone_ends_nothing() -> None:
    packets = sounds(1)
    with_padding = [*packets[:2], Coded(packets[2].at, b""), *packets[2:]]
    assert [unit.dts for unit in encoded(with_padding)] == [unit.dts for unit in encoded(packets)]


def test_lost_packets_become_silence() -> None:
    packets = sounds(2)
    units = encoded(packets[:20] + packets[35:])
    assert is_continuous(units)
    assert abs(len(units) - len(encoded(packets))) <= 1


def test_packets_that_overlap_are_left_out() -> None:
    packets = sounds(1)
    moved = [Coded(packet.at - 3 * PACKET, packet.data) for packet in packets[20:]]
    units = encoded(packets[:20] + moved)
    assert is_continuous(units)
    assert abs(len(units) - (50 - 3) * PACKET / FRAME) <= 2


def test_after_a_long_pause_the_count_begins_anew() -> None:
    packets = sounds(1)
    late = [Coded(packet.at + LONGEST_HOLE + RATE, packet.data) for packet in packets[25:]]
    units = encoded(packets[:25] + late)
    gaps = [after.dts - before.dts for before, after in itertools.pairwise(units)]
    assert [gap for gap in gaps if gap != FRAME] == [pytest.approx(LONGEST_HOLE + RATE, abs=2 * FRAME)]


def test_what_is_no_opus_is_a_hole() -> None:
    packets = sounds(1)
    broken = [*packets[:20], Coded(packets[20].at, b"\xff\xff\xff"), *packets[21:]]
    assert is_continuous(encoded(broken))
