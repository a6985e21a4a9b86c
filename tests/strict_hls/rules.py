"""The rules of RFC 8216bis and this project's own, for one playlist and from one to the next."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from .playlist import PART_TARGET, MediaPlaylist, Segment, lasts, total
from .syntax import must

_PDT_ROUNDING = timedelta(milliseconds=1, microseconds=500)


def check(playlist: MediaPlaylist) -> None:
    """All rules that concern one playlist as a whole."""
    _check_parts(playlist)
    _check_times(playlist)
    _check_ages(playlist)
    _check_end(playlist)


def _check_parts(playlist: MediaPlaylist) -> None:
    for segment in playlist.segments:
        for index, part in enumerate(segment.parts):
            must(0 < part.duration <= PART_TARGET, f"{part.uri} lasts {float(part.duration)}: PART-TARGET at most")
            followed_by_gap = index + 1 < len(segment.parts) and segment.parts[index + 1].gap
            is_last = index + 1 == len(segment.parts)
            if not (part.independent or part.gap or followed_by_gap or is_last):
                must(part.duration >= PART_TARGET * 85 / 100, f"{part.uri} is shorter than 85 % (4.4.4.9)")
        if segment.duration is None:
            must(segment is playlist.segments[-1], "only the last segment may be open")
            continue
        must(any(part.gap for part in segment.parts) <= segment.gap, "a segment with GAP parts is a gap itself")
        rest = segment.duration - sum((part.duration for part in segment.parts), Fraction())
        # What parts leave out can only be a frame that lasts longer than a part may.
        must(
            not segment.parts or rest == 0 or rest > PART_TARGET, f"parts of {segment.msn} don't add up: {rest} s left"
        )


def _check_times(playlist: MediaPlaylist) -> None:
    target = playlist.target_duration
    closed = playlist.closed
    must(closed, "no playlist before its first segment is whole")
    for segment in closed:
        assert segment.duration is not None
        must(segment.duration > 0, f"segment {segment.msn} lasts no time")
        must(
            int(segment.duration + Fraction(1, 2)) <= target,
            f"EXTINF of {segment.msn} rounds to TARGETDURATION at most",
        )
    for before, after in zip(playlist.segments, playlist.segments[1:], strict=False):
        assert before.duration is not None
        end = before.date + timedelta(microseconds=int(before.duration * 1_000_000))
        must(before.msn + 1 == after.msn, "MSNs are consecutive")
        if before.discontinuity == after.discontinuity:
            must(abs(after.date - end) <= _PDT_ROUNDING, f"PROGRAM-DATE-TIME drifts at {after.msn}: {after.date - end}")
        else:
            must(after.date >= before.date, f"PROGRAM-DATE-TIME runs backwards at {after.msn}")


def _check_ages(playlist: MediaPlaylist) -> None:
    target = playlist.target_duration
    age = total(playlist.segments)
    for segment in playlist.segments:
        age -= lasts(segment)
        if playlist.skipped and segment.msn < playlist.media_sequence + playlist.skipped:
            must(age >= playlist.skip_until, f"segment {segment.msn} is skipped after the Skip Boundary")
            continue
        recent = age < 3 * target
        if segment.duration is not None and not recent:
            must(not segment.parts, f"parts of segment {segment.msn} are older than 3 target durations")
        if recent and segment.gap is False and segment.duration is not None and not segment.parts:
            must(segment.duration > PART_TARGET, f"parts of segment {segment.msn} are missing")


def _check_end(playlist: MediaPlaylist) -> None:
    if playlist.ended:
        must(playlist.preload_hint is None and not playlist.reports, "an ended playlist hints at nothing")
        must(playlist.segments[-1].duration is not None, "an ended playlist has no open segment")
        return
    last = playlist.segments[-1]
    allowed = {f"{last.msn + 1}.0.m4s"}
    if last.duration is None:
        allowed.add(f"{last.msn}.{len(last.parts)}.m4s")
    must(playlist.preload_hint in allowed, f"the hint {playlist.preload_hint} is for the next part: {allowed}")


def unchanged(previous: MediaPlaylist, current: MediaPlaylist) -> None:
    """What was served once stays: playlists only grow at the end and slide in front (RFC 8216bis 6.2.1)."""
    must(previous.target_duration == current.target_duration, "TARGETDURATION never changes")
    must(previous.skip_until == current.skip_until, "SERVER-CONTROL never changes")
    must(previous.media_sequence <= current.media_sequence, "MEDIA-SEQUENCE never falls")
    must(previous.discontinuity_sequence <= current.discontinuity_sequence, "DISCONTINUITY-SEQUENCE never falls")
    must(previous.ended <= current.ended, "EXT-X-ENDLIST stays")
    must(current.newest >= previous.newest or current.segments[-1].msn > previous.segments[-1].msn, "nothing goes away")
    if current.media_sequence > previous.media_sequence:
        must(total(current.segments) >= 3 * current.target_duration, "3 target durations stay (6.2.2)")
    now = {segment.msn: segment for segment in current.segments}
    for was in previous.segments:
        if was.msn < current.media_sequence:
            continue
        must(was.msn in now, f"segment {was.msn} is gone")
        _same(was, now[was.msn])


def _same(was: Segment, now: Segment) -> None:
    name = f"of segment {was.msn}"
    must(was.date == now.date, f"PROGRAM-DATE-TIME {name} changed")
    must(was.discontinuity == now.discontinuity, f"the discontinuity number {name} changed")
    must(was.init == now.init, f"EXT-X-MAP {name} changed")
    if now.parts:
        must(now.parts[: len(was.parts)] == was.parts, f"parts {name} changed")
    else:
        must(now.duration is not None, f"parts {name} went before it was whole")
    if was.duration is not None:
        must((was.duration, was.uri, was.gap) == (now.duration, now.uri, now.gap), f"EXTINF, URI or GAP {name} changed")
        must(not now.parts or now.parts == was.parts, f"parts {name} were added after it was whole")
