"""Video usability information, as far as H.264 and HEVC write it alike (ITU-T H.264 E.1.1, ITU-T H.265 E.2.1)."""

from __future__ import annotations

from .bits import BitReader
from .format import FASTEST

_EXTENDED_SAR = 255


def skip_appearance(reader: BitReader) -> None:
    """Read past what tells how the picture is to be shown: aspect ratio, overscan, colours, chroma location."""
    if reader.flag() and reader.bits(8) == _EXTENDED_SAR:  # aspect_ratio_info_present_flag
        reader.bits(32)
    if reader.flag():  # overscan_info_present_flag
        reader.bits(1)
    if reader.flag():  # video_signal_type_present_flag
        reader.bits(4)
        if reader.flag():  # colour_description_present_flag
            reader.bits(24)
    if reader.flag():  # chroma_loc_info_present_flag
        reader.ue()
        reader.ue()


def read_frame_rate(reader: BitReader, *, ticks_per_frame: int) -> int:
    """The timing information's frame rate, in frames per 1000 s; 0 if there is none, or one that nobody films at."""
    if not reader.flag():  # timing_info_present_flag
        return 0
    tick, scale = reader.bits(32), reader.bits(32)  # num_units_in_tick, time_scale
    rate = round(1000 * scale / (ticks_per_frame * tick)) if tick else 0
    return rate if rate <= FASTEST else 0
