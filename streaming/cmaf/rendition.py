"""The packager of one rendition: access units of one track in, CMAF chunks out.

The source, its audio and every rendition of the ladder are cut by this one class. Where segments begin is its
caller's affair; inside a segment it cuts parts greedily: a frame goes into the part as long as the part stays within
PART-TARGET. So whoever knows the frames' times and where the last part ended cuts alike, which is what lets another
worker continue a rendition in mid-segment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from streaming.media import PART_TARGET_MS, AccessUnit, Chunk, Closes

from .chunk import pack_chunk
from .errors import PackagingError

PART_FLOOR_PERCENT = 85
"""What every part but a segment's last must reach of PART-TARGET (RFC 8216bis 4.4.4.9)."""
MAX_UNITS = 512
MAX_BYTES = 4 * 1024 * 1024
"""A chunk of so many access units or bytes is handed out early: a bound for sources gone mad."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a run of parts begins: at a segment's start (`part` 0), or where a takeover goes on inside it.

    `dts` is in ticks of the rendition's timeline, `wall_ms` the UTC time of that very moment.
    """

    msn: int
    dts: int
    wall_ms: int
    discontinuity: int
    init: int
    part: int = 0


class RenditionPackager:
    """Packs one rendition, segment by segment: `open`, `add` each access unit, `close`.

    A unit's duration is known only with the next one, so exactly one is held back; a caller who knows the next
    unit's time beforehand passes it, and nothing is held. With `chunk_ms` a chunk is closed as soon as it has lasted
    that long, else with its part: then one chunk is one part. `frame_rate` (frames per 1000 s) helps to foresee where
    a part ends when timestamps are in whole milliseconds; a wrong one does no harm.

    A frame that outlasts PART-TARGET is a part of its own, longer than a part may be: playlists then list its segment
    only as a whole (`streaming.hls.timeline`), since its time can't be cut any finer.
    """

    def __init__(
        self,
        timescale: int,
        *,
        chunk_ms: int | None = None,
        frame_rate: int = 0,
        part_target_ms: int = PART_TARGET_MS,
    ) -> None:
        self._timescale = timescale
        self._nominal_frame = 1000 * timescale / frame_rate if frame_rate else 0.0
        self._part_target = part_target_ms * timescale // 1000
        self._chunk_target = chunk_ms * timescale // 1000 if chunk_ms is not None else self._part_target + 1
        self._opening: Opening | None = None
        self._part = 0
        self._part_start = 0
        self._part_frames = 0
        self._shortest = 0
        self._held: AccessUnit | None = None
        self._units: list[AccessUnit] = []
        self._durations: list[int] = []
        self._bytes = 0
        self._chunk_start = 0
        self._end = 0

    @property
    def opened(self) -> Opening | None:
        """The segment being packed, if one is open."""
        return self._opening

    @property
    def end(self) -> int:
        """Where the media handed out or pending so far ends, in ticks; the held unit is not counted."""
        return self._end

    @property
    def held(self) -> AccessUnit | None:
        """The unit whose duration isn't known yet."""
        return self._held

    def open(self, opening: Opening) -> None:
        """Begin a segment, or go on inside one. Raises `PackagingError` while another is open."""
        if self._opening is not None:
            raise PackagingError(f"segment {opening.msn} opened inside segment {self._opening.msn}")
        self._opening = opening
        self._part = opening.part - 1
        self._end = opening.dts
        self._open_part()

    def add(self, unit: AccessUnit, next_dts: int | None = None) -> list[Chunk]:
        """Take the next access unit, and hand out what is whole by now.

        `next_dts` is the time of the unit after this one, if it is known. Leave it out for a segment's last unit:
        `close` tells its duration, and can then announce the segment's end with the chunk.
        """
        if self._opening is None:
            raise PackagingError("an access unit outside a segment")
        chunks = self._release(unit.dts)
        self._held = unit
        if next_dts is not None:
            chunks += self._release(next_dts)
        return chunks

    def close(self, end: int) -> list[Chunk]:
        """End the segment at `end`, the next one's start: the held unit lasts until there."""
        chunks = self._release(end, last=True)
        if self._units:
            chunks.append(self._flush(Closes.SEGMENT))
        self._opening = None
        return chunks

    def gap(self, until: int, held_duration: int) -> list[Chunk]:
        """Say that media is missing: hand out what is there, then gap chunks up to `until` (EXT-X-GAP).

        The held unit lasts `held_duration` ticks then, and the segment stays open.
        """
        opening = self._opening
        if opening is None:
            raise PackagingError("a gap outside a segment")
        chunks = self._release(min(until, self._held.dts + held_duration)) if self._held else []
        if self._units:
            chunks.append(self._flush(Closes.PART))
        if self._end > self._part_start:
            self._open_part()
        rest = replace(opening, dts=self._end, wall_ms=self._wall_ms(self._end), part=self._part)
        gaps = gap_chunks(rest, until, timescale=self._timescale, part_target=self._part_target, closes=Closes.PART)
        if gaps:
            self._end = until
            self._part = gaps[-1].part
            self._open_part()
        return chunks + gaps

    def close_before_held(self) -> tuple[list[Chunk], AccessUnit]:
        """End the segment where the held unit begins, and give that one back: the next segment's first."""
        unit, self._held = self._held, None
        if unit is None:
            raise PackagingError("no access unit is held")
        return self.close(unit.dts), unit

    def _release(self, end: int, *, last: bool = False) -> list[Chunk]:
        """Place the held unit, which lasts until `end`, and hand out the chunks that this completes."""
        unit, self._held = self._held, None
        if unit is None:
            return []
        duration = end - unit.dts
        if duration <= 0 or unit.dts != self._end:
            raise PackagingError(f"an access unit from {unit.dts} to {end} where {self._end} is due")
        chunks = []
        if self._end > self._part_start and self._end + duration - self._part_start > self._part_target:
            if self._units:
                chunks.append(self._flush(Closes.PART))
            self._open_part()
        self._units.append(unit)
        self._bytes += len(unit.data)
        self._durations.append(duration)
        self._shortest = min(self._shortest or duration, duration)
        self._part_frames += 1
        self._end += duration
        if last:
            return chunks
        if self._is_full():
            chunks.append(self._flush(Closes.PART))
            self._open_part()
        elif self._end - self._chunk_start >= self._chunk_target or self._is_bulky():
            chunks.append(self._flush(Closes.NOTHING))
        return chunks

    def _is_full(self) -> bool:
        """Whether the next frame won't fit, as far as the frame rate tells: then the part's end can be announced.

        An irregular source may send a shorter frame yet; it then begins the next part, which is as legal.
        """
        lasted = self._end - self._part_start
        if 100 * lasted < PART_FLOOR_PERCENT * self._part_target:
            return False
        if self._nominal_frame:  # by the count, since whole milliseconds make `lasted` wrong by one
            foreseen = (self._part_frames + 1) * self._nominal_frame - self._timescale / 5000
        else:
            foreseen = lasted + self._shortest - self._timescale / 1000
        return foreseen > self._part_target or lasted >= self._part_target

    def _is_bulky(self) -> bool:
        return len(self._units) >= MAX_UNITS or self._bytes >= MAX_BYTES

    def _open_part(self) -> None:
        self._part += 1
        self._part_start = self._chunk_start = self._end
        self._part_frames = self._shortest = 0

    def _flush(self, closes: Closes) -> Chunk:
        assert self._opening is not None
        first = self._units[0]
        chunk = Chunk(
            msn=self._opening.msn,
            part=self._part,
            dts=self._chunk_start,
            duration=self._end - self._chunk_start,
            wall_ms=self._wall_ms(self._chunk_start),
            # RFC 8216bis 4.4.4.9 would let a part that merely contains an IDR be INDEPENDENT; players that join
            # there would have to throw away what comes before it.
            independent=first.sync and self._chunk_start == self._part_start,
            closes=closes,
            discontinuity=self._opening.discontinuity,
            init=self._opening.init,
            data=pack_chunk(self._chunk_start, self._units, self._durations, timescale=self._timescale),
        )
        self._units = []
        self._durations = []
        self._bytes = 0
        self._chunk_start = self._end
        return chunk

    def _wall_ms(self, dts: int) -> int:
        assert self._opening is not None
        return self._opening.wall_ms + (dts - self._opening.dts) * 1000 // self._timescale


def gap_chunks(
    opening: Opening, end: int, *, timescale: int, part_target: int | None = None, closes: Closes = Closes.SEGMENT
) -> list[Chunk]:
    """The chunks that stand for media that could not be made, from `opening` to `end`: its segment's, by default.

    They have no data, and cut the time into parts as long as PART-TARGET allows (RFC 8216bis 4.4.4.9 holds for GAP
    parts too). `part_target` is in ticks.
    """
    target = part_target or PART_TARGET_MS * timescale // 1000
    chunks = []
    for part, dts in enumerate(range(opening.dts, end, target), start=opening.part):
        duration = min(target, end - dts)
        chunks.append(
            Chunk(
                msn=opening.msn,
                part=part,
                dts=dts,
                duration=duration,
                wall_ms=opening.wall_ms + (dts - opening.dts) * 1000 // timescale,
                independent=False,
                closes=closes if dts + duration == end else Closes.PART,
                discontinuity=opening.discontinuity,
                init=opening.init,
                data=b"",
                gap=True,
            )
        )
    return chunks
