"""MP4 files out of CMAF segments, without re-encoding (ISO/IEC 14496-12).

Every sample keeps its bytes and its exact time. Both tracks share one clock: where the media has a gap, the sample
before it lasts longer, so sound and picture stay together. The `moov` comes first in the file (players begin before
they have all of it), and yet the media is written once: room for it is left at the start, and what isn't needed becomes
a `free` box.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import IO

from streaming.cmaf.boxes import find, pack, pack_full
from streaming.cmaf.chunk import Run
from streaming.cmaf.errors import BoxError, PackagingError

MOVIE_TIMESCALE = 90_000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_FTYP = pack(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isom", b"iso2", b"avc1", b"mp41")
_MDAT_HEADER = 16
_COPY = 1024 * 1024


class _Runs:
    """A run-length table, as `stts` and `ctts` are: how often a value comes, and the value."""

    def __init__(self) -> None:
        self.counts = array("I")
        self.values = array("q")

    def add(self, value: int, count: int = 1) -> None:
        if self.values and self.values[-1] == value:
            self.counts[-1] += count
        else:
            self.counts.append(count)
            self.values.append(value)

    def pack(self, kind: bytes, version: int, *more: int) -> bytes:
        """The table, with `more` single values behind it."""
        counts, values = [*self.counts, *(1 for _ in more)], [*self.values, *more]
        entries = [field for entry in zip(counts, values, strict=True) for field in entry]
        layout = ">I" + ("Ii" if version else "II") * len(counts)
        return pack_full(kind, version, 0, struct.pack(layout, len(counts), *entries))


class MovieTrack:
    """One track: its samples so far. `header` is the CMAF header of all its media."""

    def __init__(self, header: bytes, *, timescale: int) -> None:
        self.timescale = timescale
        self._header = header
        self._sizes = array("I")
        self._syncs = array("I")
        self._offsets = _Runs()
        self._durations = _Runs()
        self._chunks = array("Q")
        self._chunk_samples = _Runs()
        self._start: int | None = None
        self._end = 0
        """Where the samples' durations add up to, on the movie's clock in this track's ticks."""
        self._last = 0
        self._shown_end = 0

    @property
    def is_empty(self) -> bool:
        return not self._sizes

    @property
    def start(self) -> int:
        """When its first sample begins, in ticks of the movie's clock; may be negative."""
        return self._start or 0

    @property
    def end(self) -> int:
        """When its last sample ends."""
        return self._end + self._last

    def add(self, run: Run, *, at: int, position: int) -> None:
        """Adds the samples of a chunk that begins `at` these ticks of the movie's clock and lies at `position` in the
        file."""
        if not run.sizes:
            return
        if self._start is None:
            self._start = self._end = at
        else:
            # The sample before lasts until here, whatever it said: there may be a gap, or a section may begin.
            lasted = max(0, at - self._end)
            self._durations.add(lasted)
            self._end += lasted
        count = len(self._sizes)
        self._sizes.extend(run.sizes)
        self._syncs.extend(count + index + 1 for index, sync in enumerate(run.syncs) if sync)
        for offset in run.offsets:
            self._offsets.add(offset)
        for duration in run.durations[:-1]:
            self._durations.add(duration)
            self._end += duration
        self._last = run.durations[-1]
        self._chunks.append(position)
        self._chunk_samples.add(len(run.sizes))

    def pack(self, number: int, *, shift: int, window: tuple[int, int]) -> bytes:
        """The `trak` box. `shift` is added to every position; `window` is what is shown of it, `(from, to)` in ticks of
        the movie's clock."""
        if not self._sizes:
            raise PackagingError("a track without samples")
        media_ticks = self.end - self.start
        trak = find(self._header, b"moov", b"trak").body
        tkhd = find(trak, b"tkhd").body
        mdia = find(trak, b"mdia").body
        minf = find(mdia, b"minf").body
        first, last = window
        shown = (last - first) * MOVIE_TIMESCALE // self.timescale
        mdhd = pack_full(b"mdhd", 1, 0, struct.pack(">QQIQHxx", 0, 0, self.timescale, media_ticks, 0x55C4))
        media_header = next(box for kind in (b"vmhd", b"smhd") for box in [self._copied(minf, kind)] if box)
        stbl = pack(b"stbl", *self._tables(minf, shift))
        return pack(
            b"trak",
            # Enabled, in the movie. Version 1; layer to size as in the CMAF header.
            pack_full(b"tkhd", 1, 3, struct.pack(">QQIxxxxQ", 0, 0, number, shown), bytes(tkhd[24:])),
            self._edit_list(first, shown),
            pack(
                b"mdia",
                mdhd,
                self._copied(mdia, b"hdlr"),
                pack(b"minf", media_header, self._copied(minf, b"dinf"), stbl),
            ),
        )

    def _tables(self, minf: memoryview, shift: int) -> Iterable[bytes]:
        stsd = find(minf, b"stbl", b"stsd")
        yield pack(b"stsd", bytes(stsd.body))
        yield self._durations.pack(b"stts", 0, self._last)
        if any(self._offsets.values):
            yield self._offsets.pack(b"ctts", 1)  # signed: version 1 (8.6.1.3)
        if len(self._syncs) < len(self._sizes):
            yield pack_full(b"stss", 0, 0, struct.pack(">I", len(self._syncs)), _big_endian(self._syncs))
        yield pack_full(b"stsz", 0, 0, struct.pack(">II", 0, len(self._sizes)), _big_endian(self._sizes))
        yield pack_full(b"stsc", 0, 0, self._samples_to_chunks())
        positions = array("Q", (position + shift for position in self._chunks))
        yield pack_full(b"co64", 0, 0, struct.pack(">I", len(positions)), _big_endian(positions))

    def _samples_to_chunks(self) -> bytes:
        """The first chunk of each run of chunks with equally many samples (8.7.4)."""
        entries: list[int] = []
        chunk = 1
        for count, samples in zip(self._chunk_samples.counts, self._chunk_samples.values, strict=True):
            entries += (chunk, samples, 1)
            chunk += count
        return struct.pack(f">I{len(entries)}I", len(entries) // 3, *entries)

    def _delay(self, first: int) -> int:
        """How much later than the window its media begins, in ticks of the movie."""
        return max(0, self.start - first) * MOVIE_TIMESCALE // self.timescale

    def _edit_list(self, first: int, shown: int) -> bytes:
        """What of the media is shown when (8.6.6): an empty edit where it begins late, a cut where it begins early."""
        edits = []
        delay = self._delay(first)
        if delay:
            edits.append(struct.pack(">QqI", delay, -1, 0x10000))
        edits.append(struct.pack(">QqI", shown - delay, max(0, first - self.start), 0x10000))
        return pack(b"edts", pack_full(b"elst", 1, 0, struct.pack(">I", len(edits)), *edits))

    @staticmethod
    def _copied(parent: memoryview, kind: bytes) -> bytes:
        try:
            return pack(kind, bytes(find(parent, kind).body))
        except BoxError:
            return b""


class MovieWriter:
    """Writes one MP4 into `file`, an empty one that can seek. `room` is how many bytes are left for the `moov`."""

    def __init__(self, file: IO[bytes], *, room: int) -> None:
        self._file = file
        self._room = room
        self._tracks: list[MovieTrack] = []
        file.write(_FTYP + bytes(room) + bytes(_MDAT_HEADER))
        self._body = self._position = file.tell()

    def track(self, header: bytes, *, timescale: int) -> MovieTrack:
        """A track for media with this CMAF header."""
        made = MovieTrack(header, timescale=timescale)
        self._tracks.append(made)
        return made

    def add(self, track: MovieTrack, run: Run, *, at: int) -> None:
        """Writes a chunk's samples; they begin `at` these ticks of the track on the movie's clock."""
        track.add(run, at=at, position=self._position)
        self._file.write(run.media)
        self._position += len(run.media)

    def finish(self, *, window: tuple[int, int] | None = None) -> int:
        """Writes what players need to find the samples; answers the file's size.

        `window` is what is shown, `(from, to)` in ticks of MOVIE_TIMESCALE, the whole if None. Raises PackagingError
        if there is nothing in it.
        """
        tracks = [track for track in self._tracks if not track.is_empty]
        if not tracks:
            raise PackagingError("a movie without samples")
        shown = window or (
            0,
            max(track.end * MOVIE_TIMESCALE // track.timescale for track in tracks),
        )
        moov = _pack_movie(tracks, shown, shift=0)
        shift = 0
        # A free box takes 8 bytes at least.
        if len(moov) != self._room and len(moov) + 8 > self._room:
            shift = len(moov) + 8 - self._room
            moov = _pack_movie(tracks, shown, shift=shift)
            self._make_room(shift)
        head = moov
        if spare := self._room + shift - len(moov):
            head += pack(b"free", bytes(spare - 8))
        size = self._position - self._body + _MDAT_HEADER
        self._file.seek(len(_FTYP))
        self._file.write(head + struct.pack(">I4sQ", 1, b"mdat", size))
        return self._position + shift

    def _make_room(self, by: int) -> None:
        """Moves the media towards the end, from its end on."""
        end = self._position
        while end > self._body:
            start = max(self._body, end - _COPY)
            self._file.seek(start)
            piece = self._file.read(end - start)
            self._file.seek(start + by)
            self._file.write(piece)
            end = start


def _pack_movie(tracks: Sequence[MovieTrack], shown: tuple[int, int], *, shift: int) -> bytes:
    first, last = shown
    mvhd = pack_full(
        b"mvhd",
        1,
        0,
        struct.pack(">QQIQ", 0, 0, MOVIE_TIMESCALE, last - first),
        struct.pack(">IHH8x", 0x10000, 0x100, 0),
        _MATRIX,
        struct.pack(">24xI", len(tracks) + 1),
    )
    traks = []
    for number, track in enumerate(tracks, start=1):
        scale = track.timescale
        start = first * scale // MOVIE_TIMESCALE
        end = min(track.end, -(-last * scale // MOVIE_TIMESCALE))
        traks.append(track.pack(number, shift=shift, window=(start, end)))
    return pack(b"moov", mvhd, *traks)


def _big_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        return numbers.tobytes()
    swapped = array(numbers.typecode, numbers)
    swapped.byteswap()
    return swapped.tobytes()
