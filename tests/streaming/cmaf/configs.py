"""Codec configurations as real encoders wrote them."""

from __future__ import annotations

from streaming.cmaf import codecs
from streaming.media import Codec

H264_BASELINE = bytes.fromhex("0142c00bffe100176742c00bda0c3fef0110000003001000000303c0f142aa01000468ce0fc8")
"""libx264, 192x108 at 30."""
H264_MAIN = bytes.fromhex("014d400bffe10018674d400beca187fde022000003000200000300781e28532c01000468ce0fc8")
"""The same, other parameter sets: with B-frames."""
H264_LARGER = bytes.fromhex("0142c00dffe100176742c00dda05067e7c0440000003004000000f03c50aa801000468ce0fc8")
"""320x180 at 30."""
H264_HIGH = bytes.fromhex(
    "0164001fffe1001a6764001facd9405005bb0110000003001000000303c0f183196001000768ebe3cb3002c0fdf8f800"
)
"""1280x720 at 30, with scaling matrices."""
H264_444_INTERLACED = bytes.fromhex(
    "01f40020ffe1001b67f40020919b280a0177e27011000003000100000300321f162d9601000668fba3c44844fff8f800"
)
"""1280x720 at 25."""
H264_422 = bytes.fromhex(
    "017a000bffe1001a677a000bb6cd9430fea7c044000003000400000300c83c50a65801000668ebe3cb22c0fefafa00"
)
"""190x106 at 25, cropped on both sides."""
H264_1080 = bytes.fromhex("0142c028ffe100196742c028da01e0089f970110000003001000000303c0f1832a01000468ce0fc8")
"""1920x1080 at 30: cropped from 1088 lines."""
HEVC_MAIN = bytes.fromhex(
    "0101600000009000000000003ff000fcfdf8f800000f04200001001840010c01ffff01600000030090000003000003003f959809"
    "210001002942010101600000030090000003000003003fa005020171f265959a4932bc05a02000007d20000ea601"
    "22000100074401c172b46240"
)
"""libx265, 640x362 at 29.97; without its SEI."""
AV1_AOM = bytes.fromhex("81010c000a0b0000000cc4ff6936be4010")
"""libaom, 640x362."""
AV1_SVT = bytes.fromhex("81010c000a0c0200000d6627fb4805f00080")
"""SVT-AV1, 640x362."""
AAC_48 = bytes.fromhex("118856e500")
"""ffmpeg's encoder: AAC-LC, 48 kHz, mono."""
AAC_44 = bytes.fromhex("121056e500")
"""AAC-LC, 44.1 kHz, stereo."""
HE_AAC = bytes.fromhex("2b8a0800")
"""Put together by ISO/IEC 14496-3 1.6.2.1: explicit SBR, mono, a core of 22.05 kHz."""

VIDEO = codecs.track(Codec.H264, H264_BASELINE)
AUDIO = codecs.track(Codec.AAC, AAC_48)
