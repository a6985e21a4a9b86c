"""Segments as they are recorded: with their bytes, or with where these lie in storage. Pure.

A segment whose media was lost, or never made, keeps its place and its time: it has no bytes, and is a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from streaming.media import Chunk


@dataclass(frozen=True, slots=True)
class SegmentTimes:
    """A segment's place in its rendition. `dts` and `duration` in ticks; `wall_ms` UTC of its first sample.

    `discontinuity` counts those of the broadcast up to it, `init` numbers the init section it needs.
    """

    msn: int
    dts: int
    duration: int
    wall_ms: int
    discontinuity: int
    init: int

    @property
    def end(self) -> int:
        return self.dts + self.duration


@dataclass(frozen=True, slots=True)
class RecordedSegment(SegmentTimes):
    """A segment and its bytes. One that is there in part has what there is, and is no gap."""

    data: bytes = b""

    @property
    def gap(self) -> bool:
        return not self.data


@dataclass(frozen=True, slots=True)
class StoredSegment(SegmentTimes):
    """A segment and where its bytes are: `size` from `offset` on in the object `key`."""

    key: str = ""
    offset: int = 0
    size: int = 0

    @property
    def gap(self) -> bool:
        return not self.size


def assemble(chunks: Iterable[Chunk], *, holes_are_gaps: bool) -> dict[int, RecordedSegment]:
    """Segments out of the chunks of a rendition, by MSN; each must be there from its first chunk on.

    `holes_are_gaps`: a segment of which some chunks are missing counts as a gap, since it can be made anew out of the
    source. Of source and audio, what there is is kept.
    """
    grouped: dict[int, list[Chunk]] = {}
    for chunk in chunks:
        grouped.setdefault(chunk.msn, []).append(chunk)
    found = {}
    for msn, parts in grouped.items():
        first, last = parts[0], parts[-1]
        missing = any(part.gap for part in parts) and holes_are_gaps
        # A gap chunk carries the number of the init section before it, which may be none that there ever was.
        real = next((part for part in parts if not part.gap), first)
        found[msn] = RecordedSegment(
            msn=msn,
            dts=first.dts,
            duration=last.dts + last.duration - first.dts,
            wall_ms=first.wall_ms,
            discontinuity=first.discontinuity,
            init=real.init,
            data=b"" if missing else b"".join(part.data for part in parts),
        )
    return found


def fill_from(
    found: Mapping[int, RecordedSegment], like: Sequence[RecordedSegment], *, timescale: int, like_timescale: int
) -> list[RecordedSegment]:
    """The rendition's segments, and gaps of the leading one's times for those that only that has.

    The same MSN is the same time in every rendition, rounded to its own ticks.
    """
    models = {model.msn: model for model in like}
    filled = []
    init = next((segment.init for segment in found.values()), 0)
    for msn in sorted(models.keys() | found.keys()):
        segment = found.get(msn)
        if segment is None:
            model = models[msn]
            dts = model.dts * timescale // like_timescale
            duration = model.end * timescale // like_timescale - dts
            segment = replace(model, dts=dts, duration=duration, init=init, data=b"")
        init = segment.init
        filled.append(segment)
    return filled


def bridge(found: Mapping[int, RecordedSegment]) -> list[RecordedSegment]:
    """The leading rendition's segments in order; gaps stand for those that are missing between others."""
    bridged: list[RecordedSegment] = []
    for msn in sorted(found):
        if bridged:
            bridged += [RecordedSegment(*times) for times in between(bridged[-1], found[msn])]
        bridged.append(found[msn])
    return bridged


def between(before: SegmentTimes, behind: SegmentTimes) -> Iterator[tuple[int, int, int, int, int, int]]:
    """The missing segments between two, as arguments of `SegmentTimes`: they share evenly the time that is there."""
    missing = behind.msn - before.msn - 1
    span = max(0, behind.dts - before.end)
    if before.discontinuity != behind.discontinuity:
        span = min(span, missing * before.duration)  # the rest is the time in which the encoder was away
    times = [before.end + span * index // max(1, missing) for index in range(missing + 1)]
    for index in range(missing):
        yield (
            before.msn + 1 + index,
            times[index],
            times[index + 1] - times[index],
            before.wall_ms + (behind.wall_ms - before.wall_ms) * (index + 1) // (missing + 1),
            behind.discontinuity,
            behind.init,
        )
