"""VIDEODATA: the body of a video tag, legacy AVC and Enhanced RTMP (`ExVideoTagHeader`).

Of a multitrack body only the default track (id 0) is taken; the others are ignored, as the specification lets a
receiver do that was not told to expect them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from streaming.flv.errors import FlvTagError, UnsupportedCodecError
from streaming.flv.multitrack import default_track, skip_mod_ex
from streaming.flv.tag import fourcc
from streaming.media import Codec

EX_HEADER = 0x80
LEGACY_AVC = 7
LEGACY_CODECS = {2: "Sorenson H.263", 3: "Screen video", 4: "VP6", 5: "VP6 with alpha", 6: "Screen video 2"}
FOURCC_CODECS = {b"avc1": Codec.H264, b"hvc1": Codec.HEVC, b"av01": Codec.AV1}
CODEC_FOURCCS = {codec: name for name, codec in FOURCC_CODECS.items()}


class FrameType(IntEnum):
    """FLV E.4.3.1. KEY also marks recovery points: whether a frame is an IDR is told by its NAL units."""

    KEY = 1
    INTER = 2
    DISPOSABLE_INTER = 3
    GENERATED_KEY = 4
    COMMAND = 5


class PacketType(IntEnum):
    """Enhanced RTMP, `VideoPacketType`."""

    SEQUENCE_START = 0
    CODED_FRAMES = 1
    SEQUENCE_END = 2
    CODED_FRAMES_X = 3
    METADATA = 4
    MPEG2TS_SEQUENCE_START = 5
    MULTITRACK = 6
    MOD_EX = 7


class VideoKind(Enum):
    """What a video body is for."""

    CONFIG = "config"
    FRAME = "frame"
    END = "end"


@dataclass(frozen=True, slots=True)
class VideoData:
    """A video body. `payload`: the codec configuration record (CONFIG), the coded frame (FRAME), or nothing (END).

    `keyframe` is the container's flag; `composition_ms` is presentation minus decoding time.
    """

    kind: VideoKind
    codec: Codec
    payload: bytes
    keyframe: bool = False
    composition_ms: int = 0


def parse_video(body: bytes) -> VideoData | None:
    """Read a video body; None for those that carry nothing to play (commands, metadata, further tracks).

    Raises FlvTagError, UnsupportedCodecError.
    """
    if not body:
        raise FlvTagError("a video tag is empty")
    if body[0] & EX_HEADER:
        return _parse_enhanced(body)
    frame_type, codec_id = body[0] >> 4, body[0] & 0x0F
    if frame_type == FrameType.COMMAND:
        return None
    if codec_id != LEGACY_AVC:
        raise UnsupportedCodecError(LEGACY_CODECS.get(codec_id, f"FLV video codec {codec_id}"))
    # FLV E.4.3.1: AVCPacketType UI8, CompositionTime SI24
    if len(body) < 5:
        raise FlvTagError("an AVC video tag is shorter than its header")
    packet, composition = body[1], int.from_bytes(body[2:5], "big", signed=True)
    if packet == 0:
        return VideoData(VideoKind.CONFIG, Codec.H264, body[5:])
    if packet == 1:
        return VideoData(VideoKind.FRAME, Codec.H264, body[5:], frame_type == FrameType.KEY, composition)
    if packet == 2:
        return VideoData(VideoKind.END, Codec.H264, b"")
    raise FlvTagError(f"AVC packet type {packet} does not exist")


def _parse_enhanced(body: bytes) -> VideoData | None:
    frame_type, packet = (body[0] >> 4) & 0x07, body[0] & 0x0F
    packet, at = skip_mod_ex(body, 1, packet, PacketType.MOD_EX)
    if frame_type == FrameType.COMMAND and packet != PacketType.METADATA:
        return None
    if packet == PacketType.MULTITRACK:
        found = default_track(body, at)
        if found is None:
            return None
        packet, name, payload = found
    else:
        name, payload = body[at : at + 4], body[at + 4 :]
        if len(name) < 4:
            raise FlvTagError("an enhanced video tag is shorter than its header")
    codec = FOURCC_CODECS.get(name)
    if codec is None:
        raise UnsupportedCodecError(f"video coded as {fourcc(name)}")
    keyframe = frame_type == FrameType.KEY
    if packet == PacketType.SEQUENCE_START:
        return VideoData(VideoKind.CONFIG, codec, payload)
    if packet == PacketType.CODED_FRAMES and codec is not Codec.AV1:
        # only the codecs that reorder carry SI24 compositionTimeOffset
        if len(payload) < 3:
            raise FlvTagError("an enhanced video tag is shorter than its composition time")
        composition = int.from_bytes(payload[:3], "big", signed=True)
        return VideoData(VideoKind.FRAME, codec, payload[3:], keyframe, composition)
    if packet in (PacketType.CODED_FRAMES, PacketType.CODED_FRAMES_X):
        return VideoData(VideoKind.FRAME, codec, payload, keyframe)
    if packet == PacketType.SEQUENCE_END:
        return VideoData(VideoKind.END, codec, b"")
    if packet == PacketType.METADATA:
        return None
    raise FlvTagError(f"enhanced video packet type {packet} can not be read")


def build_video(data: VideoData) -> bytes:
    """The bytes of a video body: legacy for H.264, which everything reads, enhanced for HEVC and AV1."""
    frame_type = FrameType.KEY if data.keyframe or data.kind is not VideoKind.FRAME else FrameType.INTER
    if data.codec is Codec.H264:
        packet = {VideoKind.CONFIG: 0, VideoKind.FRAME: 1, VideoKind.END: 2}[data.kind]
        composition = data.composition_ms.to_bytes(3, "big", signed=True)
        return bytes((frame_type << 4 | LEGACY_AVC, packet)) + composition + data.payload
    name = CODEC_FOURCCS[data.codec]
    if data.kind is not VideoKind.FRAME:
        packet = PacketType.SEQUENCE_START if data.kind is VideoKind.CONFIG else PacketType.SEQUENCE_END
        return bytes((EX_HEADER | frame_type << 4 | packet,)) + name + data.payload
    if data.codec is Codec.AV1:
        return bytes((EX_HEADER | frame_type << 4 | PacketType.CODED_FRAMES,)) + name + data.payload
    if data.composition_ms == 0:
        return bytes((EX_HEADER | frame_type << 4 | PacketType.CODED_FRAMES_X,)) + name + data.payload
    composition = data.composition_ms.to_bytes(3, "big", signed=True)
    return bytes((EX_HEADER | frame_type << 4 | PacketType.CODED_FRAMES,)) + name + composition + data.payload
