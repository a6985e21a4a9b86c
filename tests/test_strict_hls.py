"""The strict reader itself: each rule, broken once."""

from __future__ import annotations

import pytest

from tests.streaming.hls.chunks import render, segment, segments, timeline
from tests.streaming.hls.test_multivariant import GOLDEN as MULTIVARIANT
from tests.strict_hls import Reader, RuleBrokenError, parse_media, parse_multivariant

GOOD = render(timeline([*segments(3, 4), *list(segment(7))[:4]]))


def test_a_good_playlist_is_read() -> None:
    playlist = parse_media(GOOD)
    assert playlist.newest == (7, 1)
    assert [one.msn for one in playlist.closed] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ("#EXTM3U\n", "", "header"),
        ("#EXT-X-VERSION:9", "#EXT-X-VERSION:6", "version 9"),
        ("TARGETDURATION:2", "TARGETDURATION:3", "one of"),
        ("PART-HOLD-BACK=1.200", "PART-HOLD-BACK=1.000", "PART-HOLD-BACK"),
        ("CAN-SKIP-UNTIL=12.0", "CAN-SKIP-UNTIL=6.0", "CAN-SKIP-UNTIL"),
        ("CAN-BLOCK-RELOAD=YES,", "", "CAN-BLOCK-RELOAD"),
        ("PART-TARGET=0.400", "PART-TARGET=0.500", "never changes"),
        ("#EXT-X-MEDIA-SEQUENCE:3\n", "#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n", "delta"),
        ('DURATION=0.400000,URI="6.1.m4s"', 'DURATION=0.400001,URI="6.1.m4s"', "PART-TARGET at most"),
        ('DURATION=0.400000,URI="6.1.m4s"', 'DURATION=0.339999,URI="6.1.m4s"', "85 %"),
        ('DURATION=0.400000,URI="6.4.m4s"', 'DURATION=0.300000,URI="6.4.m4s"', "add up"),
        ('URI="6.1.m4s"', 'URI="6.2.m4s"', "part URI"),
        ("\n6.m4s", "\n9.m4s", "URI 9.m4s of segment 6"),
        ("#EXTINF:2.000000,\n4.m4s", "#EXTINF:2.600000,\n4.m4s", "TARGETDURATION at most"),
        ("#EXTINF:2.000000,\n3.m4s", "#EXTINF:1.900000,\n3.m4s", "drifts"),
        ("#EXTINF:2.000000,\n4.m4s", "#EXTINF:2,\n4.m4s", "six decimals"),
        ('#EXT-X-MAP:URI="init-0.mp4"\n', "", "EXT-X-MAP"),
        (":26.000Z", ":26.002Z", "drifts"),
        ('URI="7.2.m4s"', 'URI="7.3.m4s"', "hint"),
        ('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="7.2.m4s"\n', "", "hint"),
        ('#EXT-X-PART:DURATION=0.400000,URI="7.1.m4s"\n', "", "hint"),
        ("\n6.m4s\n", "\n6.m4s\n\n", "blank"),
        ("\n6.m4s\n", "\n6.m4s\n#EXT-X-CUE-OUT\n", "unknown tag"),
        ("\n6.m4s\n", "\n6.m4s\n#EXT-X-ENDLIST\n", "nothing follows"),
        ("INDEPENDENT=YES", "INDEPENDENT=NO", "left out"),
    ],
)
def test_each_rule_when_it_is_broken(was: str, now: str, rule: str) -> None:
    assert was in GOOD
    with pytest.raises(RuleBrokenError, match=rule):
        parse_media(GOOD.replace(was, now))


def test_parts_older_than_three_target_durations_are_too_old() -> None:
    inf = "#EXTINF:2.000000,\n3.m4s"
    parts = "".join(f'#EXT-X-PART:DURATION=0.400000,URI="3.{number}.m4s"\n' for number in range(5))
    with pytest.raises(RuleBrokenError, match="older than 3"):
        parse_media(GOOD.replace(inf, parts + inf))


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        (":26.000Z", ":26.001Z", "PROGRAM-DATE-TIME of segment 3 changed"),
        ('URI="init-0.mp4"', 'URI="init-1.mp4"', "EXT-X-MAP of segment 3 changed"),
        ('0.400000,URI="7.1.m4s"', '0.399999,URI="7.1.m4s"', "parts of segment 7 changed"),
        ("SEQUENCE:0", "SEQUENCE:1", "discontinuity number"),
        ('URI="7.0.m4s",INDEPENDENT=YES', 'URI="7.0.m4s"', "parts of segment 7 changed"),
    ],
)
def test_what_was_served_never_changes(was: str, now: str, rule: str) -> None:
    reader = Reader()
    reader.take(GOOD)
    assert was in GOOD
    with pytest.raises(RuleBrokenError, match=rule):
        reader.take(GOOD.replace(was, now))


def test_nothing_is_taken_back() -> None:
    reader = Reader()
    reader.take(GOOD)
    with pytest.raises(RuleBrokenError, match="nothing goes away"):
        reader.take(render(timeline([*segments(3, 4), *list(segment(7))[:2]])))


def test_a_delta_skips_only_what_was_served() -> None:
    with pytest.raises(RuleBrokenError, match="never served"):
        parse_media(render(timeline(segments(0, 20)), skip=True), previous=parse_media(GOOD))


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("#EXT-X-INDEPENDENT-SEGMENTS\n", ""),
        (",RESOLUTION=854x480", ""),
        ("avc1.4d401f", "h264"),
        ('FRAME-RATE=29.970,AUDIO="audio"', "FRAME-RATE=29.970"),
        ("BANDWIDTH=1660000", "BANDWIDTH=1"),
    ],
)
def test_multivariant_rules(was: str, now: str) -> None:
    assert was in MULTIVARIANT
    with pytest.raises(RuleBrokenError):
        parse_multivariant(MULTIVARIANT.replace(was, now))
