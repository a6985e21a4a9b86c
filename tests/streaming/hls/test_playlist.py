from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from streaming.hls.playlist import RenditionReport, render_playlist
from streaming.hls.timeline import Timeline
from streaming.media import Closes
from tests.streaming.hls.chunks import render, segment, segments, timeline
from tests.strict_hls import parse_media

GOLDEN = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.200,CAN-SKIP-UNTIL=12.0
#EXT-X-PART-INF:PART-TARGET=0.400
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-MAP:URI="init-0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z
#EXT-X-PART:DURATION=0.400000,URI="0.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.400000,URI="0.1.m4s"
#EXT-X-PART:DURATION=0.100000,URI="0.2.m4s"
#EXTINF:0.900000,
0.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.900Z
#EXT-X-PART:DURATION=0.400000,URI="1.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.400000,URI="1.1.m4s",GAP=YES
#EXT-X-GAP
#EXTINF:0.800000,
1.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:21.700Z
#EXT-X-PART:DURATION=0.400000,URI="2.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="2.1.m4s"
#EXT-X-RENDITION-REPORT:URI="../audio/index.m3u8",LAST-MSN=2,LAST-PART=1
"""


def test_golden_playlist() -> None:
    made = timeline(
        [
            *segment(0, parts=3, last=9_000),
            *segment(1, parts=2, discontinuity=1, init=1, gap_from=1, start=81_000),
            *list(segment(2, discontinuity=1, init=1, start=153_000))[:3],
        ]
    )
    assert render(made, reports=[RenditionReport("audio", 2, 1)]) == GOLDEN
    parse_media(GOLDEN)


def test_a_delta_update_skips_what_lies_before_the_boundary() -> None:
    made = timeline(segments(0, 12))
    whole = parse_media(render(made))
    text = render(made, skip=True)
    assert "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-SKIP:SKIPPED-SEGMENTS=6\n#EXT-X-PROGRAM-DATE-TIME" in text
    assert parse_media(text, previous=whole).segments[6:] == whole.segments[6:]


def test_a_delta_update_of_a_short_playlist_is_the_playlist() -> None:
    made = timeline(segments(0, 6))
    assert render(made, skip=True) == render(made)


def test_a_time_left_out_on_the_timeline_does_not_age_segments() -> None:
    made = timeline([*segments(0, 2), *segment(2, discontinuity=1, start=90_000_000)])
    assert render(made, skip=True) == render(made)
    assert "0.0.m4s" in render(made)


def test_parts_go_after_three_target_durations() -> None:
    text = render(timeline(segments(0, 5)))
    assert "1.0.m4s" not in text
    assert '"2.0.m4s"' in text
    assert "\n0.m4s\n" in text


def test_the_discontinuity_sequence_counts_what_slid_out() -> None:
    made = Timeline(timescale=90_000, part_target_ms=400, window_ms=6_000)
    seen = []
    for chunk in [*segments(0, 3), *(c for msn in range(3, 8) for c in segment(msn, discontinuity=1))]:
        if made.append(chunk) and chunk.closes is Closes.SEGMENT:
            playlist = parse_media(render(made))
            seen.append((playlist.media_sequence, playlist.discontinuity_sequence))
            assert [one.discontinuity for one in playlist.segments] == [int(one.msn >= 3) for one in playlist.segments]
    assert seen[-3:] == [(3, 0), (4, 1), (5, 1)]


def test_an_ended_playlist_says_so_and_hints_at_nothing() -> None:
    made = timeline(segments(0, 2))
    made.end()
    text = render_playlist(made, target_duration=2)
    assert text.endswith("#EXTINF:2.000000,\n1.m4s\n#EXT-X-ENDLIST\n")


def test_rounding_never_adds_up() -> None:
    """Parts of 29.97 frames a second and AAC frames of 44.1 kHz end between microseconds."""
    part = 17 * 1024
    made = Timeline(timescale=44_100, part_target_ms=400, window_ms=10**9)
    chunk = next(segment(0))
    total = 0
    for msn in range(100):
        for number in range(5):
            closes = Closes.SEGMENT if number == 4 else Closes.PART
            made.append(replace(chunk, msn=msn, part=number, dts=total, duration=part, wall_ms=0, closes=closes))
            total += part
    text = render_playlist(made, target_duration=2)
    durations = [Fraction(line[8:-1]) for line in text.splitlines() if line.startswith("#EXTINF")]
    assert abs(sum(durations) - Fraction(total, 44_100)) < Fraction(1, 1_000_000)


def test_every_process_renders_alike_whenever_it_began_to_read() -> None:
    early, late = timeline(segments(0, 40)), timeline(list(segments(0, 40))[97:])
    assert render(early) == render(late)


def test_an_open_segment_without_a_whole_part_is_not_mentioned() -> None:
    made = timeline([*segment(0), *list(segment(1))[:1]])
    assert render(made) == render(timeline(segment(0)))
