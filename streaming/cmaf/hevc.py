"""HEVC: the decoder configuration record (ISO/IEC 14496-15 8.3.3) and its SPS (ITU-T H.265 7.3.2.2)."""

from __future__ import annotations

import contextlib

from .bits import BitReader, unescape
from .errors import CodecError
from .format import Format
from .vui import read_frame_rate, skip_appearance

_CODEC = "HEVC"
_SPS = 33
_MAX_REF_SETS = 64
_MAX_REF_PICTURES = 16


def parse(config: bytes) -> Format:
    """What an hvcC body says: RFC 6381 codecs string, picture size, and frame rate if the VUI tells.

    Raises `CodecError` if the record is cut short or NAL lengths are not of 4 bytes, the only kind carried here.
    """
    if len(config) < 23 or config[0] != 1:
        raise CodecError(_CODEC, "not a configuration record of version 1")
    if config[21] & 3 != 3:
        raise CodecError(_CODEC, f"NAL lengths of {(config[21] & 3) + 1} bytes instead of 4")
    width, height, frame_rate = parse_sps(_sps(config))
    return Format(_codecs(config), width, height, frame_rate)


def _codecs(config: bytes) -> str:
    """ISO/IEC 14496-15 annex E.3: profile, compatibility flags in reverse bit order, tier and level, constraints."""
    space, tier, profile = config[1] >> 6, config[1] >> 5 & 1, config[1] & 0x1F
    compatibility = int(f"{int.from_bytes(config[2:6], 'big'):032b}"[::-1], 2)
    constraints = [f"{byte:X}" for byte in config[6:12].rstrip(b"\0")]
    fields = [f"{'.ABC'[space] if space else ''}{profile}", f"{compatibility:X}", f"{'LH'[tier]}{config[12]}"]
    return ".".join(["hvc1", *fields, *constraints])


def _sps(config: bytes) -> bytes:
    offset = 23
    for _ in range(config[22]):
        if offset + 3 > len(config):
            break
        kind = config[offset] & 0x3F
        count = int.from_bytes(config[offset + 1 : offset + 3], "big")
        offset += 3
        for _ in range(count):
            length = int.from_bytes(config[offset : offset + 2], "big")
            nal = config[offset + 2 : offset + 2 + length]
            if len(nal) < max(length, 2):
                raise CodecError(_CODEC, "a parameter set is cut short")
            if kind == _SPS:
                return nal
            offset += 2 + length
    raise CodecError(_CODEC, "no sequence parameter set")


def parse_sps(sps: bytes) -> tuple[int, int, int]:
    """Cropped width and height of a sequence parameter set NAL unit, and its frame rate per 1000 s (0: not told)."""
    reader = BitReader(_CODEC, unescape(sps[2:]))
    reader.bits(4)  # sps_video_parameter_set_id
    sub_layers = reader.bits(3)
    reader.bits(1)  # sps_temporal_id_nesting_flag
    _skip_profile_tier_level(reader, sub_layers)
    reader.ue()  # sps_seq_parameter_set_id
    chroma_format = reader.ue()
    separate_planes = chroma_format == 3 and reader.flag()
    width, height = reader.ue(), reader.ue()
    if reader.flag():  # conformance_window_flag; its units are SubWidthC and SubHeightC of H.265 table 6-1
        left, right, top, bottom = (reader.ue() for _ in range(4))
        chroma = 0 if separate_planes else chroma_format
        width -= (left + right) * (2 if chroma in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1)
    if width <= 0 or height <= 0:
        raise CodecError(_CODEC, "cropping leaves no picture")
    return width, height, _frame_rate(reader, sub_layers)


def _skip_profile_tier_level(reader: BitReader, sub_layers: int) -> None:
    """ITU-T H.265 7.3.3."""
    reader.bits(96)
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.bits(2 * (8 - sub_layers))
    for profile, level in present:
        reader.bits(88 * profile + 8 * level)


def _skip_to_vui(reader: BitReader, sub_layers: int) -> None:
    reader.ue()  # bit_depth_luma_minus8
    reader.ue()  # bit_depth_chroma_minus8
    order_bits = reader.ue() + 4
    for _ in range(0 if reader.flag() else sub_layers, sub_layers + 1):
        for _ in range(3):
            reader.ue()
    for _ in range(6):  # sizes of coding and transform blocks
        reader.ue()
    if reader.flag() and reader.flag():  # scaling_list_enabled_flag, sps_scaling_list_data_present_flag
        _skip_scaling_lists(reader)
    reader.bits(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if reader.flag():  # pcm_enabled_flag
        reader.bits(8)
        reader.ue()
        reader.ue()
        reader.bits(1)
    _skip_short_term_reference_sets(reader)
    if reader.flag():  # long_term_ref_pics_present_flag
        for _ in range(_bounded(reader.ue(), 32)):
            reader.bits(order_bits + 1)
    reader.bits(2)  # sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag


def _skip_scaling_lists(reader: BitReader) -> None:
    """ITU-T H.265 7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not reader.flag():  # scaling_list_pred_mode_flag
                reader.ue()
                continue
            if size > 1:
                reader.se()
            for _ in range(min(64, 1 << 4 + 2 * size)):
                reader.se()


def _skip_short_term_reference_sets(reader: BitReader) -> None:
    """ITU-T H.265 7.3.7. A set predicted from the one before has as many flags as that has pictures, plus one, so
    the pictures' distances must be followed (equations 7-61 and 7-62)."""
    distances: list[int] = []
    for index in range(_bounded(reader.ue(), _MAX_REF_SETS)):
        if index and reader.flag():  # inter_ref_pic_set_prediction_flag
            negative = reader.flag()
            delta = (reader.ue() + 1) * (-1 if negative else 1)
            kept = []
            for distance in [*distances, 0]:
                used = reader.flag()
                if (used or reader.flag()) and distance + delta:
                    kept.append(distance + delta)
            # The syntax counts negative distances from the nearest on, then the positive ones.
            distances = sorted((d for d in kept if d < 0), reverse=True) + sorted(d for d in kept if d > 0)
        else:
            before = _bounded(reader.ue(), _MAX_REF_PICTURES)
            after = _bounded(reader.ue(), _MAX_REF_PICTURES)
            distances = _distances(reader, before, -1) + _distances(reader, after, 1)
        _bounded(len(distances), _MAX_REF_PICTURES)


def _distances(reader: BitReader, count: int, sign: int) -> list[int]:
    distance = 0
    found = []
    for _ in range(count):
        distance += sign * (reader.ue() + 1)
        reader.bits(1)  # used_by_curr_pic
        found.append(distance)
    return found


def _bounded(value: int, limit: int) -> int:
    if value > limit:
        raise CodecError(_CODEC, f"{value} reference pictures or sets")
    return value


def _frame_rate(reader: BitReader, sub_layers: int) -> int:
    """Frame rate in the VUI parameters (ITU-T H.265 E.2.1), if there are any: a frame is one tick, E.3.1.

    It is a hint. Encoders get along with damaged VUI, so that is no reason to refuse what they send.
    """
    with contextlib.suppress(CodecError):
        _skip_to_vui(reader, sub_layers)
        if reader.flag():  # vui_parameters_present_flag
            skip_appearance(reader)
            reader.bits(3)  # neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
            if reader.flag():  # default_display_window_flag
                for _ in range(4):
                    reader.ue()
            return read_frame_rate(reader, ticks_per_frame=1)
    return 0
