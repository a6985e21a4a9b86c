"""Short synthesised clips, as the access units that an encoder would send."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg

from streaming.cmaf import codecs
from streaming.media import VIDEO_TIMESCALE, AccessUnit, Codec, Track

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
_CODECS = {"h264": Codec.H264, "hevc": Codec.HEVC, "av1": Codec.AV1, "aac": Codec.AAC}


@dataclass(frozen=True)
class Clip:
    """Units of both tracks, in the order in which the container has them."""

    tracks: tuple[Track, ...]
    units: tuple[tuple[Track, AccessUnit], ...]

    def of(self, track: Track) -> list[AccessUnit]:
        return [unit for owner, unit in self.units if owner is track]


def video_input(size: str = "192x108", rate: str = "30", seconds: float = 5) -> list[str]:
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]


def audio_input(rate: int = 48000, seconds: float = 5) -> list[str]:
    return ["-f", "lavfi", "-i", f"sine=sample_rate={rate}:duration={seconds}"]


def x264(gop: int, *, bframes: int = 0, extra: str = "") -> list[str]:
    parameters = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}:b-adapt=0:threads=1{extra}"
    return ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x264-params", parameters]


AAC = ["-c:a", "aac", "-b:a", "64k"]


def make(path: Path, *arguments: str) -> Clip:
    """Encode with ffmpeg into `path` (.flv stamps whole milliseconds, .mp4 exact times), and take it apart."""
    command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-y", *arguments, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return read(path)


def read(path: Path) -> Clip:
    tracks: dict[int, Track] = {}
    units: list[tuple[Track, AccessUnit]] = []
    with av.open(str(path)) as container:
        for stream in container.streams:
            codec = _CODECS[stream.codec_context.name.removeprefix("lib").removesuffix("dav1d") or "av1"]
            tracks[stream.index] = codecs.track(codec, bytes(stream.codec_context.extradata or b""))
        for packet in container.demux():
            if packet.dts is None:
                continue
            track = tracks[packet.stream.index]
            assert packet.pts is not None
            data = bytes(packet)
            scale = Fraction(packet.time_base) * track.timescale
            dts, pts = round(packet.dts * scale), round(packet.pts * scale)
            units.append((track, AccessUnit(dts, pts, data, is_sync(track.codec, data, packet.is_keyframe))))
    return Clip(tuple(tracks.values()), tuple(units))


def is_sync(codec: Codec, data: bytes, keyframe: bool) -> bool:
    if codec in (Codec.AAC, Codec.AV1):
        return keyframe
    offset = 0
    while offset < len(data):
        kind = data[offset + 4] & 0x1F if codec is Codec.H264 else data[offset + 4] >> 1 & 0x3F
        if kind in ((5,) if codec is Codec.H264 else (19, 20)):
            return True
        offset += 4 + int.from_bytes(data[offset : offset + 4], "big")
    return False


def seconds(ticks: int, timescale: int = VIDEO_TIMESCALE) -> Fraction:
    return Fraction(ticks, timescale)
