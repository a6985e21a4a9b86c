"""ffmpeg's argument lists. Nothing here starts anything; `process` does.

All media goes through pipes: the input is standard input, outputs are file descriptors. Streamers' media is not to be
trusted, so the input's format is forced and `pipe` is the only protocol it may name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import ffmpeg

from streaming.ladder import BUFFER_SECONDS, Rung

_BUSY_PIXEL_RATE = 30_000_000
"""Pixels a second up to which one x264 thread keeps up with room to spare: 720p at 30."""
_MAX_SLICES = 4
_REPORT_SECONDS = "0.5"


_NVENC_GOP = 216_000
"""NVENC's own IDRs, an hour of 60 frames a second apart; each one that the source has begins the count anew."""


class VideoEncoder(StrEnum):
    """What a ladder is encoded with. The same rung's parameter sets differ from one to the other."""

    X264 = "libx264"
    NVENC = "h264_nvenc"


@dataclass(frozen=True, slots=True)
class Branch:
    """One output of a ladder: a rung, the descriptor it is written to, and the first frame it carries.

    `start_ms` is on the input's own clock; frames before it are decoded but not encoded.
    """

    rung: Rung
    fd: int
    start_ms: int = 0


def ladder_command(
    executable: str,
    branches: Sequence[Branch],
    encoder: VideoEncoder = VideoEncoder.X264,
    *,
    progress_fd: int | None = None,
) -> list[str]:
    """FLV on standard input to one FLV of H.264 per branch, each frame handed over as soon as it is encoded.

    Output frames keep their input timestamp to the ms, an IDR stays an IDR, and a restarted ladder writes the same
    parameter sets, whatever its bit rates. To `progress_fd` go reports that `progress` reads.
    """
    scale = _scale_by_cuda if encoder is VideoEncoder.NVENC else _scale_by_cpu
    # One decoder thread: more of them would hold back a frame each. Nothing to probe: FLV's first tag configures.
    source = ffmpeg.input("pipe:0", f="flv", protocol_whitelist="pipe", threads=1, probesize=32, analyzeduration=0)
    decoded = source.video
    if encoder is VideoEncoder.NVENC:
        # Decoded by the CPU, for NVDEC takes not every profile that an encoder may send; what follows is the GPU's.
        decoded = decoded.filter("format", "yuv420p").filter("hwupload_cuda")
    pictures = decoded.filter_multi_output("split", len(branches))
    settings = {VideoEncoder.X264: _x264, VideoEncoder.NVENC: _nvenc}[encoder]
    outputs = [
        ffmpeg.output(
            scale(_select(pictures.stream(index), branch), branch.rung),
            f"pipe:{branch.fd}",
            **settings(branch.rung),
            **_COMMON,
        )
        for index, branch in enumerate(branches)
    ]
    merged = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    merged = merged.global_args("-copyts")
    if progress_fd is not None:
        merged = merged.global_args("-progress", f"pipe:{progress_fd}", "-stats_period", _REPORT_SECONDS)
    return _compile(merged, executable)


_COMMON: dict[str, Any] = {
    "bf": 0,
    # IDRs where the source has them, and nowhere else: segments are cut there.
    "force_key_frames": "source",
    "fps_mode": "passthrough",
    # Without it frames of a source with B-frames come out a ms off, or twice with one timestamp.
    "enc_time_base:v": "1:90000",
    "f": "flv",
    "flush_packets": 1,
}


def _select(picture: Any, branch: Branch) -> Any:
    rung = branch.rung
    if rung.every > 1:
        # Every n-th frame counted from the last one taken, and each key frame whatever the count.
        picture = picture.filter("select", f"key+gte(n-prev_selected_n,{rung.every})")
    if branch.start_ms:
        picture = picture.filter("trim", start_pts=branch.start_ms)
    return picture


def _scale_by_cpu(picture: Any, rung: Rung) -> Any:
    return _square(picture.filter("scale", rung.width, rung.height)).filter("format", "yuv420p")


def _scale_by_cuda(picture: Any, rung: Rung) -> Any:
    return _square(picture.filter("scale_cuda", rung.width, rung.height))


def _square(picture: Any) -> Any:
    # Rounding to even sides must not declare pixels of 1280:1281; truly oblong ones stay so.
    return picture.filter("setsar", "if(lt(abs(sar-1),0.02),1,sar)")


def _level(rung: Rung) -> str:
    return f"{rung.level_idc // 10}.{rung.level_idc % 10}"


def _x264(rung: Rung) -> dict[str, Any]:
    return {
        "c:v": VideoEncoder.X264.value,
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile:v": rung.profile,
        "level": _level(rung),
        "b:v": rung.bitrate,
        "maxrate": rung.bitrate,
        "bufsize": int(rung.bitrate * BUFFER_SECONDS),
        "threads": min(_MAX_SLICES, 1 + rung.pixel_rate // _BUSY_PIXEL_RATE),
        # A rate and level not pinned here would be guessed from the first frames: another SPS at every restart.
        "x264-params": f"fps={rung.frame_rate}/1000:keyint=infinite:scenecut=0",
    }


def _nvenc(rung: Rung) -> dict[str, Any]:
    # NVENC spreads its bit rate over the frames a second that the source declares, whatever a rung leaves of them.
    bitrate = rung.bitrate * rung.every
    return {
        "c:v": VideoEncoder.NVENC.value,
        "preset": "p4",
        "tune": "ll",
        "profile:v": rung.profile,
        "level": _level(rung),
        "rc": "cbr",
        "b:v": bitrate,
        "maxrate": bitrate,
        "bufsize": int(bitrate * BUFFER_SECONDS),
        "rc-lookahead": 0,
        "zerolatency": 1,
        "delay": 0,
        "forced-idr": 1,
        "no-scenecut": 1,
        "g": _NVENC_GOP,
    }


def still_command(executable: str, *, width: int) -> list[str]:
    """FLV with one key frame on standard input to a JPEG on standard output, `width` pixels wide."""
    source = ffmpeg.input("pipe:0", f="flv", protocol_whitelist="pipe", threads=1, probesize=32, analyzeduration=0)
    # -2: the height that keeps the aspect ratio, made even.
    picture = source.video.filter("scale", f"min({width},iw)", -2).filter("setsar", 1)
    output = ffmpeg.output(picture, "pipe:1", f="image2pipe", vcodec="mjpeg", **{"frames:v": 1, "q:v": 4})
    return _compile(output, executable)


def tiles_command(executable: str, *, width: int, height: int) -> list[str]:
    """FLV of nothing but key frames on standard input to raw RGB pictures of this size on standard output, in order;
    another shape of picture gets bars."""
    source = ffmpeg.input("pipe:0", f="flv", protocol_whitelist="pipe", threads=1, probesize=32, analyzeduration=0)
    picture = source.video.filter("scale", width, height, force_original_aspect_ratio="decrease", flags="fast_bilinear")
    picture = picture.filter("pad", width, height, "(ow-iw)/2", "(oh-ih)/2").filter("setsar", 1)
    output = ffmpeg.output(picture, "pipe:1", f="rawvideo", pix_fmt="rgb24", fps_mode="passthrough")
    return _compile(output, executable)


def preview_command(executable: str, *, width: int) -> list[str]:
    """FLV on standard input to a small silent fragmented MP4 on standard output."""
    source = ffmpeg.input("pipe:0", f="flv", protocol_whitelist="pipe", probesize=32, analyzeduration=0)
    picture = source.video.filter("fps", 15).filter("scale", f"min({width},iw)", -2).filter("setsar", 1)
    output = ffmpeg.output(
        picture.filter("format", "yuv420p"),
        "pipe:1",
        f="mp4",
        movflags="frag_keyframe+empty_moov+default_base_moof",
        **{"c:v": "libx264", "preset": "veryfast", "crf": 28, "threads": 1, "fflags": "+bitexact"},
    )
    return _compile(output, executable)


def _compile(output: Any, executable: str) -> list[str]:
    quiet = output.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error")
    argv: list[str] = quiet.compile(cmd=executable)
    return argv
