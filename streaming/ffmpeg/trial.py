"""Argument lists that try an encoder out: a short clip to be encoded, and a look at what came of it."""

from __future__ import annotations

WIDTH, HEIGHT, RATE = 1280, 720, 30
FRAMES = 60
LOOK_WIDTH, LOOK_HEIGHT = 16, 9
LOOK_BYTES = LOOK_WIDTH * LOOK_HEIGHT
"""Bytes of one picture as `look_command` shows it."""


def clip_command(executable: str) -> list[str]:
    """A moving picture of FRAMES frames, one IDR, as FLV on standard output: as hard to decode and to encode as what
    streamers send, grain and all, for a smooth one would make a device out to do half as much again."""
    return [
        *(executable, "-hide_banner", "-nostdin", "-loglevel", "error"),
        *("-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE},noise=alls=12:allf=t"),
        *("-frames:v", str(FRAMES), "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"),
        *("-g", str(FRAMES), "-b:v", "3M", "-maxrate", "3M", "-bufsize", "3M"),
        *("-pix_fmt", "yuv420p", "-f", "flv", "pipe:1"),
    ]


def look_command(executable: str) -> list[str]:
    """FLV on standard input to tiny grey pictures on standard output, LOOK_BYTES each."""
    return [
        *(executable, "-hide_banner", "-nostdin", "-loglevel", "error"),
        *("-protocol_whitelist", "pipe", "-f", "flv", "-i", "pipe:0"),
        *("-fps_mode", "passthrough", "-vf", f"scale={LOOK_WIDTH}:{LOOK_HEIGHT}:flags=area,format=gray"),
        *("-f", "rawvideo", "pipe:1"),
    ]
