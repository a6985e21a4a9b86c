"""A ladder's ffmpeg: the source's access units in, each rung's access units out, with the source's own timestamps.

An encoder knows nothing of segments. It outlives the task that started it: `warm` keeps it for the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from streaming.ffmpeg.command import Branch, VideoEncoder, ladder_command
from streaming.ffmpeg.errors import FfmpegError, FfmpegGone
from streaming.ffmpeg.process import FfmpegProcess
from streaming.ffmpeg.progress import ProgressReader
from streaming.flv import file as flv
from streaming.flv.errors import FlvError
from streaming.flv.tag import TagType
from streaming.flv.tracks import VideoTrackReader, config_tag, frame_tag
from streaming.ladder import Rung
from streaming.media import VIDEO_TIMESCALE, AccessUnit, Codec, Track
from workers.presentation import Presentation

log = structlog.get_logger(__name__)

LEAD_MS: Final = 1_000
"""Added to presentation times on ffmpeg's clock: FLV wants them at or after decoding times, and a broadcast's timeline
starts each segment with both alike."""
TICKS_PER_MS: Final = VIDEO_TIMESCALE // 1000
MAX_HELD: Final = 1_024
"""Output units kept while nobody takes them; nothing is fed meanwhile, so what is in flight is all there can be."""
WRITE_BYTES: Final = 64 * 1024
"""What a pipe holds: a write of more than that may take long though ffmpeg works, and `hangs` would be wrong."""
HELD_BACK: Final = 16
"""Pictures that a decoder may hold back to bring them into order (Rec. ITU-T H.264 A.3.1, MaxDpbFrames)."""
START_SECONDS: Final = 4.0
"""What an ffmpeg may need for its first picture, on a machine with much to do."""
LAST_WORDS_SECONDS: Final = 1.0
"""How long an ffmpeg that takes nothing more may take to say why."""

DORMANT_MS: Final = 840_000
"""From this time on its clock a dormant encoder puts pictures out: see `wake`. ffmpeg believes no FLV that says of a
picture that it is shown later than 900 s after it is decoded."""
DORMANT_MOST_MS: Final = DORMANT_MS - 60_000
"""How long an encoder may stay dormant."""

Sink = Callable[[str, AccessUnit], bool]
"""Takes `(rung name, unit)`; False leaves the unit for the next taker."""


class Encoder:
    """One ffmpeg with one output per rung. Feed it from one thread at a time; output comes on a thread of its own."""

    def __init__(
        self,
        executable: str,
        track: Track,
        rungs: Sequence[Rung],
        *,
        first: AccessUnit,
        starts: Mapping[str, int],
        codec: VideoEncoder = VideoEncoder.X264,
        dormant: bool = False,
    ) -> None:
        """Starts ffmpeg for a source that begins with `first`, an IDR.

        `starts` maps rung names to the presentation time (ticks) of the first picture wanted of them. A `dormant`
        encoder decodes, and puts nothing out before `wake`.
        """
        self.rungs = tuple(rungs)
        self.tracks: dict[str, Track] = {}
        """What each rung's output is coded with, known before its first unit is handed out."""
        self.presentation = Presentation()
        self._track = track
        # AV1 in FLV has no composition times, and needs none.
        self._lead = 0 if track.codec is Codec.AV1 else LEAD_MS
        self._base = first.dts // TICKS_PER_MS * TICKS_PER_MS
        self._stamps: dict[int, int] = {}
        self._dormant = dormant
        self._woken_at: int | None = None
        self._readers = [VideoTrackReader() for _ in rungs]
        self._demuxers = [flv.Demuxer() for _ in rungs]
        self._progress = ProgressReader()
        self._lock = threading.RLock()
        self._sink: Sink | None = None
        self._on_end: Callable[[], None] | None = None
        self._held: list[tuple[str, AccessUnit]] = []
        self._writing_since: float | None = None
        self._shown = {rung.name: starts.get(rung.name, first.pts) - 1 for rung in rungs}
        """The newest picture that came out of each rung, or what lies just before its first."""
        self._owing_since: float | None = None
        self._has_begun = False
        self._failure: str | None = None
        self._finished = False

        def command(fds: Sequence[int]) -> list[str]:
            begins = {name: self._stamp(at) for name, at in starts.items()}
            if dormant:
                begins = dict.fromkeys(self._shown, DORMANT_MS)
            branches = [
                Branch(rung, fd, begins.get(rung.name, 0)) for rung, fd in zip(self.rungs, fds[:-1], strict=True)
            ]
            return ladder_command(executable, branches, codec, progress_fd=fds[-1])

        self._process = FfmpegProcess(command, outputs=len(rungs) + 1, on_gpu=codec is VideoEncoder.NVENC)
        self._thread = threading.Thread(target=self._pump, name=f"encoder-{self._process.pid}", daemon=True)
        self._thread.start()
        self._write(flv.file_header(video=True, audio=False) + flv.pack(config_tag(track)))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def failure(self) -> str | None:
        """Why it ended, if it ended otherwise than by `finish`."""
        return self._failure

    @property
    def cpu_seconds(self) -> float:
        """What ffmpeg has used, once it has ended by itself; 0 if that is not known."""
        return self._process.cpu_seconds

    @property
    def last_words(self) -> str:
        """What ffmpeg wrote of errors, the end of it."""
        return self._process.failure().stderr_tail

    @property
    def ended(self) -> bool:
        """Whether all output has come."""
        return self._finished

    def quantisers(self) -> dict[str, float]:
        """The mean quantiser of each rung since this was last asked, as far as there were reports."""
        with self._lock:
            return {self.rungs[output].name: mean for output, mean in self._progress.quantisers().items()}

    def feed(self, units: Sequence[AccessUnit], end: int) -> None:
        """Feeds a run of access units that ends at `end` (decoding time). Blocks while ffmpeg is busy.

        Raises FfmpegGone if ffmpeg has ended.
        """
        tags = []
        with self._lock:
            self.presentation.feed(units, end)
            for unit in units:
                shown = self._stamp(unit.pts)
                self._stamps[shown] = unit.pts
                decoded = unit.dts - self._base
                if not self._lead and self._is_woken_by(unit.pts):
                    decoded += DORMANT_MS * TICKS_PER_MS
                moved = AccessUnit(decoded, shown * TICKS_PER_MS, unit.data, unit.sync)
                tags.append(flv.pack(frame_tag(self._track, moved)))
            if self._owing_since is None and self._owes():
                self._owing_since = time.monotonic()
        self._write(b"".join(tags))

    def may_sleep_at(self, pts: int) -> bool:
        """Whether it may still be dormant when a picture of that time is fed: its clock has an end."""
        return (pts - self._base) // TICKS_PER_MS < DORMANT_MOST_MS

    def wake(self, at: int) -> None:
        """A dormant encoder puts out what is shown at `at` (ticks) or later, its first picture an IDR.

        None of that may have been fed yet. What is shown from then on is given times behind DORMANT_MS, up to where its
        branches are trimmed; decoding times go on, so that pictures may be reordered across `at`.
        """
        with self._lock:
            self._dormant = False
            self._woken_at = at
            self._shown = dict.fromkeys(self._shown, at - 1)

    def finish(self) -> None:
        """Nothing more will be fed: ffmpeg puts out what it holds back, and ends."""
        self._process.close_input()

    def kill(self) -> None:
        self._process.kill()

    def join(self, timeout: float | None = None) -> None:
        """Waits until it has ended, or for so many seconds."""
        self._thread.join(timeout)

    def hangs(self, now: float, patience: float) -> bool:
        """Whether for `patience` seconds ffmpeg has taken nothing of what is there, or put out nothing of what it owes.

        `now` is monotonic. Before its first picture it is given START_SECONDS.
        """
        patience = patience if self._has_begun else max(patience, START_SECONDS)
        return any(since is not None and now - since > patience for since in (self._writing_since, self._owing_since))

    def attach(self, sink: Sink, on_end: Callable[[], None]) -> None:
        """Hands output to `sink` from now on, beginning with what was held; `on_end` is called after the last of it."""
        with self._lock:
            held, self._held = self._held, []
            self._sink, self._on_end = sink, on_end
            for name, unit in held:
                self._hand_out(name, unit)
            if self._finished:
                on_end()

    def detach(self, before: int) -> None:
        """Holds output from now on. Nothing shown before `before` (ticks) will be asked for again."""
        with self._lock:
            self._sink = self._on_end = None
            self.presentation.forget(before)
            self._stamps = {shown: pts for shown, pts in self._stamps.items() if pts >= before}

    def _stamp(self, pts: int) -> int:
        """A presentation time on ffmpeg's clock, in ms."""
        shown = (pts - self._base + TICKS_PER_MS // 2) // TICKS_PER_MS + self._lead
        return shown + DORMANT_MS if self._is_woken_by(pts) else shown

    def _is_woken_by(self, pts: int) -> bool:
        """Whether a picture of this time comes out of an encoder that was dormant."""
        return self._woken_at is not None and pts >= self._woken_at

    def _write(self, data: bytes) -> None:
        try:
            for at in range(0, len(data), WRITE_BYTES):
                self._writing_since = time.monotonic()
                self._process.write(data[at : at + WRITE_BYTES])
        except FfmpegGone:
            self._thread.join(LAST_WORDS_SECONDS)
            raise self._process.failure(FfmpegGone) from None
        finally:
            self._writing_since = None

    def _pump(self) -> None:
        try:
            self._process.pump(self._on_data)
            if self._process.returncode:
                self._failure = str(self._process.failure())
        except (FfmpegError, FlvError, ValueError) as error:
            self._failure = str(error)
        except Exception as error:
            self._failure = f"{type(error).__name__}: {error}"
            log.exception("encoder.crashed", pid=self.pid)
        with self._lock:
            self._finished = True
            if self._on_end is not None:
                self._on_end()

    def _on_data(self, index: int, data: bytes) -> None:
        if index == len(self.rungs):
            with self._lock:
                self._progress.feed(data)
            return
        name = self.rungs[index].name
        for tag in self._demuxers[index].feed(data):
            if tag.type is not TagType.VIDEO:
                continue
            found = self._readers[index].read(tag.body, tag.timestamp)
            if isinstance(found, Track):
                if name in self.tracks:
                    raise ValueError(f"{name} changed its parameter sets in mid-run")
                self.tracks[name] = found
            elif found is not None:
                pts = self._stamps.get(found.pts // TICKS_PER_MS)
                if pts is None:
                    raise ValueError(f"{name} has a picture at {found.pts // TICKS_PER_MS} ms that nobody fed")
                with self._lock:
                    self._has_come(name, pts)
                    self._hand_out(name, AccessUnit(pts, pts, found.data, found.sync))

    def _has_come(self, name: str, pts: int) -> None:
        """A rung's picture is out. The slowest rung says what is owed."""
        self._has_begun = True
        before = min(self._shown.values())
        self._shown[name] = max(self._shown[name], pts)
        if min(self._shown.values()) > before:
            self._owing_since = time.monotonic() if self._owes() else None

    def _owes(self) -> bool:
        """Whether more pictures were fed than a decoder may hold back."""
        if self._dormant:
            return False
        most = HELD_BACK + max(rung.every for rung in self.rungs)
        return self.presentation.count_after(min(self._shown.values())) > most

    def _hand_out(self, name: str, unit: AccessUnit) -> None:
        if self._sink is None or not self._sink(name, unit):
            if len(self._held) >= MAX_HELD:
                raise ValueError(f"{MAX_HELD} units that nobody took")
            self._held.append((name, unit))
