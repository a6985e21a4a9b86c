"""Parameter sets put together bit by bit, for syntax that no encoder at hand writes."""

from __future__ import annotations


class BitWriter:
    def __init__(self) -> None:
        self.text = ""

    def bits(self, value: int, count: int) -> None:
        self.text += f"{value:0{count}b}" if count else ""

    def ue(self, *values: int) -> None:
        for value in values:
            self.bits(value + 1, 2 * (value + 1).bit_length() - 1)

    def nal(self, header: bytes) -> bytes:
        """With trailing bits and emulation prevention (ITU-T H.265 7.3.1.1, 7.3.2.11)."""
        text = self.text + "1" + "0" * (-(len(self.text) + 1) % 8)
        payload = int(text, 2).to_bytes(len(text) // 8, "big")
        out, zeros = bytearray(header), 0
        for byte in payload:
            if zeros >= 2 and byte <= 3:
                out.append(3)
                zeros = 0
            zeros = zeros + 1 if byte == 0 else 0
            out.append(byte)
        return bytes(out)


def sps_with_predicted_sets(predicted: int) -> bytes:
    """A 640x360 HEVC SPS at 25 pictures a second; its first reference set has two pictures before and one after, and
    `predicted` sets follow, each predicted from the one before it (ITU-T H.265 7.3.2.2, 7.3.7)."""
    out = BitWriter()
    out.bits(0, 4 + 3 + 1)
    out.bits(1, 8)  # profile space, tier, Main
    out.bits(0, 88)
    out.ue(0, 1, 640, 360)
    out.bits(0, 1)  # conformance_window_flag
    out.ue(0, 0, 4)
    out.bits(1, 1)  # sps_sub_layer_ordering_info_present_flag
    out.ue(4, 2, 0)
    out.ue(0, 3, 0, 3, 0, 0)
    out.bits(0, 1)  # scaling_list_enabled_flag
    out.bits(0b01, 2)
    out.bits(0, 1)  # pcm_enabled_flag
    out.ue(1 + predicted)
    out.ue(2, 1)
    out.ue(0)
    out.bits(1, 1)
    out.ue(1)
    out.bits(1, 1)
    out.ue(0)
    out.bits(1, 1)
    pictures = {-1, -3, 1}
    for _ in range(predicted):
        out.bits(1, 1)  # inter_ref_pic_set_prediction_flag
        out.bits(1, 1)  # delta_rps_sign
        out.ue(0)
        # All are used but the last: neither used_by_curr_pic_flag nor use_delta_flag.
        out.bits((1 << len(pictures)) - 1, len(pictures))
        out.bits(0, 2)
        pictures = {picture - 1 for picture in pictures} - {0}
    out.bits(0, 1)  # long_term_ref_pics_present_flag
    out.bits(0, 2)
    out.bits(1, 1)  # vui_parameters_present_flag
    out.bits(0, 4 + 3 + 1)
    out.bits(1, 1)  # vui_timing_info_present_flag
    out.bits(1, 32)
    out.bits(25, 32)
    return out.nal(b"\x42\x01")
