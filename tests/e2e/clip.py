"""What an encoder sends, made beforehand: so every timestamp and every byte that must arrive is known."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@dataclass(frozen=True, slots=True)
class Frame:
    """One coded picture or audio frame; times and `duration` in seconds, exact."""

    dts: Fraction
    pts: Fraction
    duration: Fraction
    data: bytes


def make_clip(path: Path, *, seconds: int) -> Path:
    arguments = [
        *(FFMPEG, "-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=30:duration={seconds}"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:beep_factor=4:sample_rate=48000:duration={seconds}"),
        *(
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-bf",
            "2",
            "-b:v",
            "900k",
            "-maxrate",
            "900k",
            "-bufsize",
            "900k",
        ),
        *("-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", "-b:a", "96k", "-ac", "2", "-f", "flv", str(path)),
    ]
    subprocess.run(arguments, check=True)
    return path


def publish(clip: Path, url: str) -> subprocess.Popen[bytes]:
    """Sends a clip in real time, bit for bit."""
    return subprocess.Popen(
        [FFMPEG, "-hide_banner", "-loglevel", "error", "-re", "-i", str(clip), "-c", "copy", "-f", "flv", url],
        stdin=subprocess.DEVNULL,
    )


def frames(media: Path, kind: str) -> list[Frame]:
    """Every frame of the `video` or `audio` track, in decoding order."""
    found = []
    with av.open(str(media)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        for packet in container.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue  # the flush packet at the end
            base = packet.time_base
            found.append(Frame(packet.dts * base, packet.pts * base, (packet.duration or 0) * base, bytes(packet)))
    return found
