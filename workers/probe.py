"""What a device can do, found out by doing it: small ladders encoded side by side, decoded again and looked at.

It runs the very encoder that segment tasks run. The work done in a second is the device's capacity; a CPU's is counted
in seconds of its cores, so that it is measured beside others too.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

from streaming.bus.devices import DeviceKind
from streaming.ffmpeg import trial
from streaming.ffmpeg.command import VideoEncoder
from streaming.ffmpeg.errors import FfmpegError, FfmpegTimeout
from streaming.ffmpeg.process import run
from streaming.flv import file as flv
from streaming.flv.tag import TagType
from streaming.flv.tracks import VideoTrackReader, config_tag, frame_tag
from streaming.ladder import ladder
from streaming.media import SOURCE, VIDEO_TIMESCALE, AccessUnit, Rendition, Track
from workers.cost import decoding
from workers.encoder import Encoder

LIMIT_SECONDS = 10.0
"""An encoder that isn't done with its clip of 2 s by then is none to send live media to."""
GPU_LADDERS = 8
CPU_LADDERS = 4
"""How many ladders are encoded side by side at first."""
NICENESS = 5
"""Nothing hurries the probe: what is live on the same cores comes first, here and where it was taken over."""
LIKENESS = 12
"""How far a decoded picture's pixels may be from the clip's on average, of 255: a wrong picture is 40 and more off."""
SESSION_LIMIT = "out of memory (10)"
"""What NVENC's OpenEncodeSession says when the driver allows no more sessions; the GPU is well."""

SOURCE_SHAPE = Rendition(SOURCE, "avc1.64001F", 0, VIDEO_TIMESCALE, trial.WIDTH, trial.HEIGHT, trial.RATE * 1000)
RUNGS = ladder(SOURCE_SHAPE)
CLIP_SECONDS = trial.FRAMES / trial.RATE


class ProbeFailed(Exception):
    """The device does not encode; says why."""


class ProbeLate(ProbeFailed):
    """The host's cores were too busy for the probe to end in time: that says nothing of what they can do."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Pixels a second, and how many ladders it can encode at a time where a driver limits that."""

    capacity: int
    ladders: int | None = None


def probe(
    ffmpeg: str, kind: DeviceKind, encoder: VideoEncoder, *, cores: int, limit_seconds: float = LIMIT_SECONDS
) -> Measured:
    """Tries a device out, which takes some seconds and most of it. Raises ProbeFailed, ProbeLate."""
    try:
        clip = _Clip(ffmpeg)
    except FfmpegTimeout as error:
        raise ProbeLate("the test clip was not made in time") from error
    except FfmpegError as error:
        raise ProbeFailed(f"ffmpeg makes no test clip: {error}") from error
    at_most = GPU_LADDERS if kind is DeviceKind.GPU else min(CPU_LADDERS, cores)
    ladders = at_most
    deadline = time.monotonic() + limit_seconds
    while True:
        runs = _Runs(ffmpeg, encoder, clip, ladders, deadline)
        if runs.failure is None:
            break
        if runs.late and kind is DeviceKind.CPU:
            raise ProbeLate(runs.failure)
        if SESSION_LIMIT not in runs.failure or ladders == 1:
            # Its first words name the cause, what follows are consequences.
            raise ProbeFailed(runs.failure.partition("\n")[0])
        ladders //= 2
    clip.compare(runs.pictures)
    pixels = ladders * CLIP_SECONDS * (decoding(SOURCE_SHAPE) + sum(rung.pixel_rate for rung in RUNGS))
    seconds = runs.cpu_seconds / cores if kind is DeviceKind.CPU else runs.seconds
    if not seconds:
        raise ProbeLate("what the encoders used is not known")
    return Measured(int(pixels / seconds), ladders if ladders < at_most else None)


def _run(argv: list[str], data: bytes) -> bytes:
    return run(["nice", "-n", str(NICENESS), *argv], data, timeout=LIMIT_SECONDS)


class _Clip:
    """The clip as access units, and what its pictures look like."""

    def __init__(self, ffmpeg: str) -> None:
        self._ffmpeg = ffmpeg
        movie = _run(trial.clip_command(ffmpeg), b"")
        reader = VideoTrackReader()
        self.units: list[AccessUnit] = []
        for tag in flv.Demuxer().feed(movie):
            found = reader.read(tag.body, tag.timestamp) if tag.type is TagType.VIDEO else None
            if isinstance(found, Track):
                self.track = found
            elif found is not None:
                self.units.append(found)
        self._look = _run(trial.look_command(ffmpeg), movie)

    def compare(self, pictures: dict[str, tuple[Track, list[AccessUnit]]]) -> None:
        """Raises ProbeFailed unless each rung shows the clip's pictures, all of them; ProbeLate."""
        for name, (track, units) in pictures.items():
            movie = flv.file_header(video=True, audio=False) + flv.pack(config_tag(track))
            movie += b"".join(flv.pack(frame_tag(track, unit)) for unit in units)
            try:
                look = _run(trial.look_command(self._ffmpeg), movie)
            except FfmpegTimeout as error:
                raise ProbeLate("what it encodes was not decoded in time") from error
            except FfmpegError as error:
                raise ProbeFailed(f"what it encodes can't be decoded: {error}") from error
            if len(look) != len(self._look):
                raise ProbeFailed(f"{name} has {len(look) // trial.LOOK_BYTES} pictures of {trial.FRAMES}")
            off = sum(abs(one - other) for one, other in zip(look, self._look, strict=True)) / len(look)
            if off > LIKENESS:
                raise ProbeFailed(f"{name} shows other pictures than it was fed")


class _Runs:
    """So many ladders side by side. `failure` is the first one's; `pictures` are those of one of the ladders."""

    def __init__(self, ffmpeg: str, encoder: VideoEncoder, clip: _Clip, ladders: int, deadline: float) -> None:
        self.pictures: dict[str, tuple[Track, list[AccessUnit]]] = {}
        self.failure: str | None = None
        self.late = False
        began = time.monotonic()
        runs = [_Ladder(ffmpeg, encoder, clip) for _ in range(ladders)]
        for each in runs:
            each.start()
        for each in runs:
            each.join(max(0.0, deadline - time.monotonic()))
        self.seconds = time.monotonic() - began
        late = [each for each in runs if each.is_alive()]
        for each in late:
            each.kill()
        for each in runs:
            each.join()
        self.cpu_seconds = sum(each.cpu_seconds for each in runs)
        failures = [each.failure for each in runs if each.failure is not None]
        self.late = bool(late)
        if late:
            self.failure = f"{ladders} ladders of {CLIP_SECONDS:.0f} s were not encoded in time"
        elif failures:
            # The session limit comes first: only it says that the device is well.
            self.failure = next((each for each in failures if SESSION_LIMIT in each), failures[0])
        else:
            self.pictures = runs[0].pictures


class _Ladder(threading.Thread):
    """One encode of the clip."""

    def __init__(self, ffmpeg: str, codec: VideoEncoder, clip: _Clip) -> None:
        super().__init__(name="probe", daemon=True)
        self.failure: str | None = None
        self.cpu_seconds = 0.0
        self.pictures: dict[str, tuple[Track, list[AccessUnit]]] = {}
        self._ffmpeg = ffmpeg
        self._codec = codec
        self._clip = clip
        self._units: defaultdict[str, list[AccessUnit]] = defaultdict(list)
        self._encoder: Encoder | None = None
        self._killed = False

    def run(self) -> None:
        try:
            self._encode()
        except FfmpegError as error:
            self.failure = error.stderr_tail.strip() or str(error)

    def kill(self) -> None:
        self._killed = True
        if self._encoder is not None:
            self._encoder.kill()

    def _encode(self) -> None:
        clip = self._clip
        encoder = Encoder(self._ffmpeg, clip.track, RUNGS, first=clip.units[0], starts={}, codec=self._codec)
        self._encoder = encoder
        if self._killed:
            encoder.kill()
        if self._codec is VideoEncoder.X264:
            # Seconds of cores are counted, so it may take its time.
            with suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, encoder.pid, NICENESS)
        encoder.attach(self._take, lambda: None)
        for unit in clip.units:
            encoder.feed([unit], unit.dts + VIDEO_TIMESCALE // trial.RATE)
        encoder.finish()
        encoder.join()
        self.cpu_seconds = encoder.cpu_seconds
        if encoder.failure is not None:
            self.failure = encoder.last_words.strip() or encoder.failure
        elif any(len(self._units[rung.name]) != trial.FRAMES for rung in RUNGS):
            self.failure = "pictures are missing from what it encodes"
        else:
            self.pictures = {name: (encoder.tracks[name], units) for name, units in self._units.items()}

    def _take(self, name: str, unit: AccessUnit) -> bool:
        self._units[name].append(unit)
        return True
