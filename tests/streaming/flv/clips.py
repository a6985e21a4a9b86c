"""Short FLV clips out of the real ffmpeg, made once per test run."""

from __future__ import annotations

import functools
import subprocess

import imageio_ffmpeg

ENCODERS = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast"),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:open-gop=0"),
    "av1": ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "enable-stat-report=0"),
}


@functools.cache
def clip(codec: str, *more: str, seconds: int = 1, rate: int = 48_000) -> bytes:
    """An FLV file of a test picture (320x180, 30 fps, a keyframe a second) and a tone in AAC."""
    picture = f"testsrc2=size=320x180:rate=30:duration={seconds}"
    tone = f"sine=duration={seconds}:sample_rate={rate}"
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone]
    argv += [*ENCODERS[codec], "-g", "30", "-c:a", "aac", *more, "-f", "flv", "pipe:1"]
    return subprocess.run(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True).stdout
