"""H.264: the decoder configuration record (ISO/IEC 14496-15 5.3.3) and its SPS (ITU-T H.264 7.3.2.1)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from .bits import BitReader, unescape
from .errors import CodecError
from .format import Format
from .vui import read_frame_rate, skip_appearance

_CODEC = "H.264"
_WITH_CHROMA_FORMAT = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose SPS carries chroma format and scaling matrices (ITU-T H.264 7.3.2.1.1)."""
_WITH_EXTENSION = frozenset({100, 110, 122, 144})
"""Profiles for which the record tells chroma format and bit depths too (ISO/IEC 14496-15 5.3.3.1.2)."""
_SPS = 7


def parse(config: bytes) -> Format:
    """What an avcC body says: RFC 6381 codecs string, picture size, and frame rate if the VUI tells.

    Raises `CodecError` if the record is cut short or NAL lengths are not of 4 bytes, the only kind carried here.
    """
    if len(config) < 7 or config[0] != 1:
        raise CodecError(_CODEC, "not a configuration record of version 1")
    if config[4] & 3 != 3:
        raise CodecError(_CODEC, f"NAL lengths of {(config[4] & 3) + 1} bytes instead of 4")
    count = config[5] & 0x1F
    length = int.from_bytes(config[6:8], "big")
    sps = config[8 : 8 + length]
    if not count or len(sps) < max(length, 5) or sps[0] & 0x1F != _SPS:
        raise CodecError(_CODEC, "no sequence parameter set")
    width, height, frame_rate = parse_sps(sps)
    # RFC 6381 3.3: profile_idc, constraint flags and level_idc as six hexadecimal digits.
    return Format(f"avc1.{sps[1:4].hex()}", width, height, frame_rate)


def configuration(sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    """The avcC body of these parameter sets, each a NAL unit; NAL lengths have 4 bytes.

    Raises `CodecError` if the first sequence parameter set can't be read, or there are too many.
    """
    if not 0 < len(sps) < 32 or not 0 < len(pps) < 256 or any(len(nal) > 0xFFFF for nal in (*sps, *pps)):
        raise CodecError(_CODEC, f"{len(sps)} sequence and {len(pps)} picture parameter sets")
    if len(sps[0]) < 5:
        raise CodecError(_CODEC, "a sequence parameter set that is cut off")
    # version, profile_idc, constraint flags, level_idc, lengthSizeMinusOne, number of sets
    body = bytes((1, *sps[0][1:4], 0xFF, 0xE0 | len(sps))) + b"".join(map(_sized, sps))
    body += bytes((len(pps),)) + b"".join(map(_sized, pps))
    if sps[0][1] in _WITH_EXTENSION:
        reader = BitReader(_CODEC, unescape(sps[0][1:]))
        reader.bits(24)
        reader.ue()  # seq_parameter_set_id
        chroma_format = reader.ue()
        if chroma_format == 3:
            reader.flag()  # separate_colour_plane_flag
        luma, chroma = reader.ue(), reader.ue()
        if max(chroma_format, luma, chroma) > 7:
            raise CodecError(_CODEC, "a sequence parameter set that makes no sense")
        body += bytes((0xFC | chroma_format, 0xF8 | luma, 0xF8 | chroma, 0))
    return body


def _sized(nal: bytes) -> bytes:
    return len(nal).to_bytes(2, "big") + nal


def parse_sps(sps: bytes) -> tuple[int, int, int]:
    """Cropped width and height of a sequence parameter set NAL unit, and its frame rate per 1000 s (0: not told)."""
    reader = BitReader(_CODEC, unescape(sps[1:]))
    profile = reader.bits(8)
    reader.bits(16)  # constraint flags, level_idc
    reader.ue()  # seq_parameter_set_id
    chroma_format = 1
    separate_planes = False
    if profile in _WITH_CHROMA_FORMAT:
        chroma_format = reader.ue()
        if chroma_format == 3:
            separate_planes = reader.flag()
        reader.ue()  # bit_depth_luma_minus8
        reader.ue()  # bit_depth_chroma_minus8
        reader.bits(1)  # qpprime_y_zero_transform_bypass_flag
        if reader.flag():  # seq_scaling_matrix_present_flag
            for index in range(12 if chroma_format == 3 else 8):
                if reader.flag():
                    _skip_scaling_list(reader, 16 if index < 6 else 64)
    reader.ue()  # log2_max_frame_num_minus4
    _skip_picture_order_count(reader)
    reader.ue()  # max_num_ref_frames
    reader.bits(1)  # gaps_in_frame_num_value_allowed_flag
    width = (reader.ue() + 1) * 16
    map_units = reader.ue() + 1
    frame_mbs_only = reader.flag()
    height = (2 - frame_mbs_only) * map_units * 16
    if not frame_mbs_only:
        reader.bits(1)  # mb_adaptive_frame_field_flag
    reader.bits(1)  # direct_8x8_inference_flag
    if reader.flag():  # frame_cropping_flag
        left, right, top, bottom = (reader.ue() for _ in range(4))
        # ITU-T H.264 equations 7-19 to 7-22: crop units follow from the chroma sampling.
        chroma_array = 0 if separate_planes else chroma_format
        width -= (left + right) * (2 if chroma_array in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma_array == 1 else 1) * (2 - frame_mbs_only)
    if width <= 0 or height <= 0:
        raise CodecError(_CODEC, "cropping leaves no picture")
    return width, height, _frame_rate(reader)


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    """ITU-T H.264 7.3.2.1.1.1."""
    last = scale = 8
    for _ in range(size):
        if scale:
            scale = (last + reader.se()) % 256
        last = scale or last


def _skip_picture_order_count(reader: BitReader) -> None:
    kind = reader.ue()
    if kind == 0:
        reader.ue()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        reader.bits(1)  # delta_pic_order_always_zero_flag
        reader.se()  # offset_for_non_ref_pic
        reader.se()  # offset_for_top_to_bottom_field
        count = reader.ue()
        if count > 255:  # ITU-T H.264 7.4.2.1.1
            raise CodecError(_CODEC, f"{count} frames in a picture order count cycle")
        for _ in range(count):
            reader.se()


def _frame_rate(reader: BitReader) -> int:
    """Frame rate in the VUI parameters (ITU-T H.264 E.1.1), if they come here: a frame is two ticks, E.2.1.

    It is a hint. Encoders get along with damaged VUI, so that is no reason to refuse what they send.
    """
    with contextlib.suppress(CodecError):
        if reader.flag():  # vui_parameters_present_flag
            skip_appearance(reader)
            return read_frame_rate(reader, ticks_per_frame=2)
    return 0
