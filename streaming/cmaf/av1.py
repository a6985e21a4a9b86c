"""AV1: the configuration box (AV1-ISOBMFF 2.3) and its sequence header OBU (AV1 specification 5.5)."""

from __future__ import annotations

from .bits import BitReader
from .errors import CodecError
from .format import FASTEST, Format

_CODEC = "AV1"
_SEQUENCE_HEADER = 1


def parse(config: bytes) -> Format:
    """What an av1C body says. Raises `CodecError` if it is cut short or has no sequence header OBU."""
    if len(config) < 4 or config[0] != 0x81:
        raise CodecError(_CODEC, "not a configuration record of version 1")
    profile, level = config[1] >> 5, config[1] & 0x1F
    tier, high_depth, twelve = config[2] >> 7, config[2] >> 6 & 1, config[2] >> 5 & 1
    # AV1 specification 5.5.2: bits a sample follow from two flags.
    depth = 12 if high_depth and twelve else 10 if high_depth else 8
    width, height, frame_rate = _sequence_header(config[4:])
    # AV1-ISOBMFF 5: av01.<profile>.<level><tier>.<depth>; the rest has defaults.
    return Format(f"av01.{profile}.{level:02}{'MH'[tier]}.{depth:02}", width, height, frame_rate)


def _sequence_header(obus: bytes) -> tuple[int, int, int]:
    offset = 0
    while offset < len(obus):
        header = obus[offset]
        offset += 2 if header & 4 else 1  # obu_extension_flag
        if not header & 2:  # AV1-ISOBMFF 2.4: OBUs carry their size, save perhaps the last
            size = len(obus) - offset
        else:
            size, offset = _leb128(obus, offset)
        if header >> 3 & 0xF == _SEQUENCE_HEADER:
            return parse_sequence_header(obus[offset : offset + size])
        offset += size
    raise CodecError(_CODEC, "no sequence header")


def parse_sequence_header(payload: bytes) -> tuple[int, int, int]:
    """Width, height and frame rate per 1000 s (0: not told) of a sequence header OBU's payload."""
    reader = BitReader(_CODEC, payload)
    reader.bits(3)  # seq_profile
    reader.bits(1)  # still_picture
    frame_rate = 0
    if reader.flag():  # reduced_still_picture_header
        reader.bits(5)
    else:
        decoder_model = False
        delay_length = 0
        if reader.flag():  # timing_info_present_flag
            tick, scale = reader.bits(32), reader.bits(32)
            pictures = reader.ue() + 1 if reader.flag() else 0  # equal_picture_interval
            frame_rate = round(1000 * scale / (tick * pictures)) if tick and pictures else 0
            decoder_model = reader.flag()
            if decoder_model:
                delay_length = reader.bits(5) + 1
                reader.bits(42)  # the rest of decoder_model_info
        _skip_operating_points(reader, decoder_model, delay_length)
    width_bits = reader.bits(4) + 1
    height_bits = reader.bits(4) + 1
    width, height = reader.bits(width_bits) + 1, reader.bits(height_bits) + 1
    return width, height, frame_rate if frame_rate <= FASTEST else 0


def _skip_operating_points(reader: BitReader, decoder_model: bool, delay_length: int) -> None:
    initial_delay = reader.flag()
    for _ in range(reader.bits(5) + 1):
        reader.bits(12)  # operating_point_idc
        if reader.bits(5) > 7:  # seq_level_idx
            reader.bits(1)  # seq_tier
        if decoder_model and reader.flag():
            reader.bits(2 * delay_length + 1)  # operating_parameters_info
        if initial_delay and reader.flag():
            reader.bits(4)


def _leb128(data: bytes, offset: int) -> tuple[int, int]:
    """A little-endian base-128 number and the offset after it (AV1 specification 4.10.5)."""
    value = 0
    for index in range(8):
        if offset >= len(data):
            raise CodecError(_CODEC, "an OBU is cut short")
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, offset
    raise CodecError(_CODEC, "an OBU size of more than 8 bytes")
