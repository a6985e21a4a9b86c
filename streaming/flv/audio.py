"""AUDIODATA: the body of an audio tag, legacy AAC and Enhanced RTMP (`ExAudioTagHeader`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from streaming.flv.errors import FlvTagError, UnsupportedCodecError
from streaming.flv.multitrack import default_track, skip_mod_ex
from streaming.flv.tag import fourcc

EX_HEADER = 9
LEGACY_AAC = 10
LEGACY_FORMATS = {
    0: "PCM",
    1: "ADPCM",
    2: "MP3",
    3: "PCM",
    4: "Nellymoser",
    5: "Nellymoser",
    6: "Nellymoser",
    7: "A-law",
    8: "mu-law",
    11: "Speex",
    14: "MP3",
}
FOURCC_NAMES = {b"Opus": "Opus", b"fLaC": "FLAC", b"ac-3": "AC-3", b"ec-3": "E-AC-3", b".mp3": "MP3"}
AAC_FOURCC = b"mp4a"
AAC_STEREO_16_BIT_44K = 0xAF
"""FLV E.4.2.1: AAC tags always say 44 kHz, 16 bit, stereo, whatever the AudioSpecificConfig says."""


class PacketType(IntEnum):
    """Enhanced RTMP, `AudioPacketType`."""

    SEQUENCE_START = 0
    CODED_FRAMES = 1
    SEQUENCE_END = 2
    MULTICHANNEL_CONFIG = 4
    MULTITRACK = 5
    MOD_EX = 7


class AudioKind(Enum):
    """What an audio body is for."""

    CONFIG = "config"
    FRAME = "frame"
    END = "end"


@dataclass(frozen=True, slots=True)
class AudioData:
    """An AAC body. `payload`: the AudioSpecificConfig (CONFIG), a raw frame (FRAME), or nothing (END)."""

    kind: AudioKind
    payload: bytes


def parse_audio(body: bytes) -> AudioData | None:
    """Read an audio body; None for those that carry nothing to play (channel maps, further tracks).

    Raises FlvTagError, UnsupportedCodecError.
    """
    if not body:
        raise FlvTagError("an audio tag is empty")
    sound_format = body[0] >> 4
    if sound_format == EX_HEADER:
        return _parse_enhanced(body)
    if sound_format != LEGACY_AAC:
        raise UnsupportedCodecError(LEGACY_FORMATS.get(sound_format, f"FLV audio format {sound_format}") + " audio")
    if len(body) < 2:
        raise FlvTagError("an AAC audio tag is shorter than its header")
    if body[1] == 0:
        return AudioData(AudioKind.CONFIG, body[2:])
    if body[1] == 1:
        return AudioData(AudioKind.FRAME, body[2:])
    raise FlvTagError(f"AAC packet type {body[1]} does not exist")


def _parse_enhanced(body: bytes) -> AudioData | None:
    packet, at = skip_mod_ex(body, 1, body[0] & 0x0F, PacketType.MOD_EX)
    if packet == PacketType.MULTITRACK:
        found = default_track(body, at)
        if found is None:
            return None
        packet, name, payload = found
    else:
        name, payload = body[at : at + 4], body[at + 4 :]
        if len(name) < 4:
            raise FlvTagError("an enhanced audio tag is shorter than its header")
    if name != AAC_FOURCC:
        raise UnsupportedCodecError(FOURCC_NAMES.get(name, fourcc(name)) + " audio")
    if packet == PacketType.SEQUENCE_START:
        return AudioData(AudioKind.CONFIG, payload)
    if packet == PacketType.CODED_FRAMES:
        return AudioData(AudioKind.FRAME, payload)
    if packet == PacketType.SEQUENCE_END:
        return AudioData(AudioKind.END, b"")
    if packet == PacketType.MULTICHANNEL_CONFIG:
        return None
    raise FlvTagError(f"enhanced audio packet type {packet} can not be read")


def build_audio(data: AudioData) -> bytes:
    """The bytes of an AAC body. Legacy AAC has no end of sequence, so that one is enhanced."""
    if data.kind is AudioKind.END:
        return bytes((EX_HEADER << 4 | PacketType.SEQUENCE_END,)) + AAC_FOURCC
    return bytes((AAC_STEREO_16_BIT_44K, data.kind is AudioKind.FRAME)) + data.payload
