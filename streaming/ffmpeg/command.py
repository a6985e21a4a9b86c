"""ffmpeg's argument lists. Nothing here starts anything; `process` does.

All media goes through pipes: the input is standard input, outputs are file descriptors. Streamers' media is not to be
trusted, so the input's format is forced and `pipe` is the only protocol it may name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ffmpeg

from streaming.ladder import BUFFER_SECONDS, Rung

_BUSY_PIXEL_RATE = 30_000_000
"""Pixels a second up to which one x264 thread keeps up with room to spare: 720p at 30."""
_MAX_SLICES = 4


@dataclass(frozen=True, slots=True)
class Branch:
    """One output of a ladder: a rung, the descriptor it is written to, and the first frame it carries.

    `start_ms` is on the input's own clock; frames before it are decoded but not encoded.
    """

    rung: Rung
    fd: int
    start_ms: int = 0


def ladder_command(executable: str, branches: Sequence[Branch]) -> list[str]:
    """FLV on standard input to one FLV of H.264 per branch, each frame handed over as soon as it is encoded.

    Output frames keep their input timestamp to the ms, an IDR stays an IDR, and a restarted ladder writes the same
    parameter sets.
    """
    # One decoder thread: more of them would hold back a frame each. Nothing to probe: FLV's first tag configures.
    source = ffmpeg.input("pipe:0", f="flv", protocol_whitelist="pipe", threads=1, probesize=32, analyzeduration=0)
    pictures = source.video.filter_multi_output("split", len(branches))
    outputs = [_branch(pictures.stream(index), branch) for index, branch in enumerate(branches)]
    merged = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    return _compile(merged.global_args("-copyts"), executable)


def _branch(picture: Any, branch: Branch) -> Any:
    rung = branch.rung
    if rung.every > 1:
        # Every n-th frame counted from the last one taken, and each key frame whatever the count.
        picture = picture.filter("select", f"key+gte(n-prev_selected_n,{rung.every})")
    if branch.start_ms:
        picture = picture.filter("trim", start_pts=branch.start_ms)
    picture = picture.filter("scale", rung.width, rung.height)
    # Rounding to even sides must not declare pixels of 1280:1281; truly oblong ones stay so.
    picture = picture.filter("setsar", "if(lt(abs(sar-1),0.02),1,sar)").filter("format", "yuv420p")
    return ffmpeg.output(picture, f"pipe:{branch.fd}", **_x264(rung), f="flv", flush_packets=1)


def _x264(rung: Rung) -> dict[str, Any]:
    level = f"{rung.level_idc // 10}.{rung.level_idc % 10}"
    return {
        "c:v": "libx264",
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile:v": rung.profile,
        "level": level,
        "b:v": rung.bitrate,
        "maxrate": rung.bitrate,
        "bufsize": int(rung.bitrate * BUFFER_SECONDS),
        "bf": 0,
        "threads": min(_MAX_SLICES, 1 + rung.pixel_rate // _BUSY_PIXEL_RATE),
        # IDRs where the source has them, and nowhere else: segments are cut there.
        "force_key_frames": "source",
        "fps_mode": "passthrough",
        # Without it frames of a source with B-frames come out a ms off, or twice with one timestamp.
        "enc_time_base:v": "1:90000",
        # A rate and level not pinned here would be guessed from the first frames: another SPS at every restart.
        "x264-params": f"fps={rung.frame_rate}/1000:keyint=infinite:scenecut=0",
    }


def still_command(executable: str, *, width: int) -> list[str]:
    """FLV with one key frame on standard input to a JPEG on standard output, `width` pixels wide."""
    source = ffmpeg.input("pipe:0", f="flv", protocol_whitelist="pipe", threads=1, probesize=32, analyzeduration=0)
    # -2: the height that keeps the aspect ratio, made even.
    picture = source.video.filter("scale", f"min({width},iw)", -2).filter("setsar", 1)
    output = ffmpeg.output(picture, "pipe:1", f="image2pipe", vcodec="mjpeg", **{"frames:v": 1, "q:v": 4})
    return _compile(output, executable)


def _compile(output: Any, executable: str) -> list[str]:
    quiet = output.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error")
    argv: list[str] = quiet.compile(cmd=executable)
    return argv
