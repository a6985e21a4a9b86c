"""Encoders that publish to an ingest: a moving picture with the wall clock of `bench.clock` in it, and a tone."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import imageio_ffmpeg

from bench import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is encoded: `bitrate` in bit/s, `gop` in frames."""

    width: int
    height: int
    rate: int = 30
    bitrate: int = 2_000_000
    gop: int = 60

    @property
    def name(self) -> str:
        return f"{self.width}x{self.height}"


def by_rtmp(publish_url: str) -> tuple[str, ...]:
    """How ffmpeg sends what it encodes to an RTMP URL, key and all."""
    return ("-c:a", "aac", "-b:a", "96k", "-shortest", "-flush_packets", "1", "-f", "flv", publish_url)


def by_whip(url: str, key: str) -> tuple[str, ...]:
    """The same to a WHIP endpoint: what is sent is H.264 without B-frames, and Opus."""
    return ("-c:a", "libopus", "-ac", "2", "-b:a", "96k", "-shortest", "-f", "whip", "-authorization", key, url)


class ClockEncoder:
    """ffmpeg, fed a frame of clock at its time by a thread; publishes while entered, or until `stop`.

    `sending` is the end of its command line, as `by_rtmp` and `by_whip` make it.
    """

    def __init__(self, picture: Picture, sending: Sequence[str]) -> None:
        self.picture = picture
        self._argv = self._command(picture, sending)
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._feeder = threading.Thread(target=self._feed, name="clock", daemon=True)
        self._feeder.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ended = self._process.poll() if self._process and not self._stop.is_set() else None
        self.stop()
        if kind is None and ended is not None:
            raise RuntimeError(f"the encoder ended by itself, with {ended}: what was measured is not what was meant")

    def stop(self) -> None:
        """Ends the broadcast as an encoder does whose user presses stop."""
        self._stop.set()
        if self._feeder:
            self._feeder.join(5)
        if self._process:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Ends it as a crash does: the socket just closes."""
        self._stop.set()
        if self._process:
            self._process.kill()
            self._process.wait()

    def _feed(self) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        picture = self.picture
        height = clock.strip_height(picture.height)
        begun = time.monotonic()
        try:
            with process.stdin as pipe:
                frame = 0
                while not self._stop.is_set():
                    due = begun + frame / picture.rate
                    time.sleep(max(0.0, due - time.monotonic()))
                    pipe.write(clock.strip(time.time_ns() // 1_000_000, width=picture.width, height=height))
                    pipe.flush()
                    frame += 1
        except BrokenPipeError:
            return  # ffmpeg ended first: `stop` or the test finds out why

    @staticmethod
    def _command(picture: Picture, sending: Sequence[str]) -> list[str]:
        strip = f"{picture.width}x{clock.strip_height(picture.height)}"
        background = f"testsrc2=size={picture.name}:rate={picture.rate}"
        return [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostats"),
            *("-probesize", "32", "-analyzeduration", "0"),
            *("-f", "rawvideo", "-pixel_format", "gray", "-video_size", strip, "-framerate", str(picture.rate)),
            *("-i", "pipe:0"),
            *("-f", "lavfi", "-i", background),
            # At its own pace: WHIP's handshake takes a while, and what is ready before its end fills ffmpeg's queue.
            *("-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
            *("-filter_complex", "[1:v][0:v]overlay=0:0:shortest=1,format=yuv420p[v]", "-map", "[v]", "-map", "2:a"),
            *("-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-threads", "1"),
            *("-b:v", str(picture.bitrate), "-maxrate", str(picture.bitrate), "-bufsize", str(picture.bitrate // 2)),
            *("-g", str(picture.gop), "-keyint_min", str(picture.gop), "-sc_threshold", "0"),
            *sending,
        ]
