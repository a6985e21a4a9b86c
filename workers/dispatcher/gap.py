"""GAP in place of media that could not be made in time (EXT-X-GAP)."""

from __future__ import annotations

from streaming.bus import reading, tasks
from streaming.bus.errors import OutOfOrder, SegmentGone, StaleToken, TooEarly
from streaming.cmaf.rendition import Opening, gap_chunks
from streaming.media import PART_TARGET_MS, SOURCE, VIDEO_TIMESCALE, Closes
from workers.dispatcher.commands import FillGap

PART = PART_TARGET_MS * VIDEO_TIMESCALE // 1000
"""Ticks of a whole part."""


def fill_gap(bus: reading.Runner, command: FillGap) -> int | None:
    """Publishes what is missing of a rendition's segment as GAP; how many parts, or None if someone else was faster.

    Raises BusError.
    """
    broadcast, msn, rendition = command.broadcast, command.msn, command.rendition
    try:
        opening, end = _missing(bus, command)
    except SegmentGone:
        # Older than all that can still be played: it need only hold up nobody.
        opening, end = None, 0
    if opening is not None and not command.closed:
        end -= (end - opening.dts) % PART
        if end <= opening.dts:
            return 0
    token = bus.run(tasks.order(broadcast, msn, {rendition: command.expected}, device=tasks.NOBODY, late_ms=0))
    if token is None:
        return None
    closes = Closes.SEGMENT if command.closed else Closes.PART
    chunks = gap_chunks(opening, end, timescale=VIDEO_TIMESCALE, closes=closes) if opening is not None else []
    try:
        for chunk in chunks:
            bus.run(tasks.publish_part(broadcast, token, rendition, chunk))
        if not chunks:
            bus.run(tasks.finish(broadcast, msn, token, rendition))
        return len(chunks)
    except (StaleToken, OutOfOrder, TooEarly):
        return None


def _missing(bus: reading.Runner, command: FillGap) -> tuple[Opening, int]:
    """From where to where media is missing."""
    broadcast, msn, rendition = command.broadcast, command.msn, command.rendition
    source = bus.run(reading.bounds(broadcast, SOURCE, msn))
    newest = bus.run(tasks.newest_chunk(broadcast, rendition))
    if newest is None:
        raise SegmentGone(broadcast=broadcast, rendition=rendition, msn=msn, found=-1)
    begun = newest.msn == msn
    first = source.first
    start = newest.dts + newest.duration if begun else first.dts
    wall_ms = first.wall_ms + (start - first.dts) * 1000 // VIDEO_TIMESCALE
    part = newest.part + 1 if begun else 0
    return Opening(msn, start, wall_ms, first.discontinuity, newest.init, part), _end(source)


def _end(source: reading.Bounds) -> int:
    """Where the segment ends, or has come to so far, in ticks."""
    following = source.following
    if following is not None and following.discontinuity == source.first.discontinuity:
        return following.dts
    return source.newest.dts + source.newest.duration
