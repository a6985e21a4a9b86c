"""The MPD: what it lists, and that it stays what it was while segments slide out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, fromstring

import pytest

from streaming.dash.manifest import Listed, render_manifest, zero_of
from streaming.dash.periods import Periods
from streaming.hls.segment import Segment
from streaming.media import AUDIO, SOURCE, Chunk, Rendition
from tests.streaming.hls.chunks import WALL_MS, segment, segments, timeline

DASH = {"d": "urn:mpeg:dash:schema:mpd:2011"}
VIDEO = Rendition(SOURCE, "avc1.64001f", 6_000_000, 90_000, 1280, 720, 29_970)
SMALL = Rendition("480p", "avc1.4d401f", 1_500_000, 90_000, 854, 480, 29_970)
SOUND = Rendition(AUDIO, "mp4a.40.2", 128_000, 90_000)
ZERO = WALL_MS - 1_500
TWO_SECONDS = 180_000


def closed(chunks: Iterable[Chunk]) -> list[Segment]:
    return [one for one in timeline(chunks).segments if one.closed]


def manifest(*listed: Listed, periods: Periods | None = None, ended: bool = False) -> Element:
    leading = listed[0]
    divided = (periods or Periods()).divide(leading.segments, leading.rendition.timescale)
    text = render_manifest(listed, divided, zero_ms=ZERO, published_ms=WALL_MS + 9_000, target_duration=2, ended=ended)
    return fromstring(text)


def find(element: Element, path: str) -> Element:
    found = element.find(path, DASH)
    assert found is not None, path
    return found


def spans(period: Element, rendition: str) -> list[tuple[int, int, int]]:
    """Number, time and duration of each segment of a rendition."""
    template = find(period, f".//d:Representation[@id='{rendition}']/d:SegmentTemplate")
    number, at, found = int(template.attrib["startNumber"]), 0, []
    for entry in template.iterfind(".//d:S", DASH):
        at = int(entry.get("t", at))
        for _ in range(int(entry.get("r", 0)) + 1):
            found.append((number, at, int(entry.attrib["d"])))
            number, at = number + 1, at + int(entry.attrib["d"])
    return found


def init_of(mpd: Element, rendition: str) -> str | None:
    return find(mpd, f".//d:Representation[@id='{rendition}']/d:SegmentTemplate").get("initialization")


def test_segments_of_hls_are_listed_with_their_times() -> None:
    found = closed(segments(0, 3))
    mpd = manifest(Listed(VIDEO, found), Listed(SMALL, found[1:]), Listed(SOUND, found))
    assert (mpd.get("type"), mpd.get("minimumUpdatePeriod"), mpd.get("suggestedPresentationDelay")) == (
        "dynamic",
        "PT1S",
        "PT6S",
    )
    (period,) = mpd.findall("d:Period", DASH)
    assert (period.get("id"), period.get("start")) == ("0.0", "PT1.500000S")
    assert spans(period, SOURCE) == [(msn, msn * TWO_SECONDS, TWO_SECONDS) for msn in range(3)]
    assert spans(period, "480p") == [(msn, msn * TWO_SECONDS, TWO_SECONDS) for msn in (1, 2)]
    video, audio = period.findall("d:AdaptationSet", DASH)
    assert (video.get("mimeType"), audio.get("mimeType")) == ("video/mp4", "audio/mp4")
    # The schema's AdaptationSet@id is a number, unlike a Representation's.
    assert (video.get("id"), audio.get("id")) == ("0", "1")
    source = find(video, "d:Representation[@id='source']")
    assert (source.get("width"), source.get("frameRate"), source.get("codecs")) == ("1280", "29970/1000", "avc1.64001f")
    template = find(source, "d:SegmentTemplate")
    assert template.get("initialization") == "source/init-0.mp4"
    assert template.get("media") == "source/$Number$.m4s"


def test_the_window_is_what_may_be_listed_however_young_the_broadcast_is() -> None:
    for count in (1, 3):
        assert manifest(Listed(VIDEO, closed(segments(0, count)))).get("timeShiftBufferDepth") == "PT40S"


def test_a_segment_s_wall_time_is_that_of_hls() -> None:
    mpd = manifest(Listed(VIDEO, closed(segments(0, 3))))
    start = float(find(mpd, "d:Period").attrib["start"].strip("PTS"))
    _, at, _ = spans(mpd, SOURCE)[2]
    assert ZERO + 1000 * (start + at / 90_000) == pytest.approx(WALL_MS + 4_000)


def test_segments_of_different_lengths_follow_without_a_hole() -> None:
    chunks = [*segment(0, last=33_000), *segment(1, start=177_000, last=39_000), *segment(2, start=360_000)]
    assert spans(manifest(Listed(VIDEO, closed(chunks))), SOURCE) == [
        (0, 0, 177_000),
        (1, 177_000, 183_000),
        (2, 360_000, 180_000),
    ]


def reconnects() -> list[Chunk]:
    """Three discontinuities, two segments each, with a pause of a second between them."""
    return [
        chunk
        for msn in range(6)
        for chunk in segment(msn, start=msn * TWO_SECONDS + msn // 2 * 90_000, discontinuity=msn // 2, init=msn // 4)
    ]


def test_each_discontinuity_is_a_period() -> None:
    found = closed(reconnects())
    periods = manifest(Listed(VIDEO, found), Listed(SOUND, found)).findall("d:Period", DASH)
    assert [period.get("id") for period in periods] == ["0.0", "1.0", "2.1"]
    assert [period.get("start") for period in periods] == ["PT1.500000S", "PT6.500000S", "PT11.500000S"]
    for number, period in enumerate(periods):
        for rendition in (SOURCE, AUDIO):
            assert [msn for msn, *_ in spans(period, rendition)] == [2 * number, 2 * number + 1]
            template = find(period, f".//d:Representation[@id='{rendition}']/d:SegmentTemplate")
            assert template.get("presentationTimeOffset") == str(number * (2 * TWO_SECONDS + 90_000))


def test_new_parameter_sets_are_a_period_too() -> None:
    found = closed([*segment(0), *segment(1, init=1), *segment(2, init=1)])
    mpd = manifest(Listed(VIDEO, found))
    periods = mpd.findall("d:Period", DASH)
    assert [period.get("start") for period in periods] == ["PT1.500000S", "PT3.500000S"]
    assert find(periods[1], ".//d:SegmentTemplate").get("initialization") == "source/init-1.mp4"


def test_periods_stay_where_they_began_while_segments_slide_out() -> None:
    memory, found = Periods(), closed(reconnects())
    starts = [period.get("start") for period in manifest(Listed(VIDEO, found), periods=memory)][:3]
    later = manifest(Listed(VIDEO, found[3:]), periods=memory).findall("d:Period", DASH)
    assert [period.get("start") for period in later] == starts[1:]
    assert spans(later[0], SOURCE) == [(3, 3 * TWO_SECONDS + 90_000, TWO_SECONDS)]


def test_what_has_a_gap_is_left_out_with_what_was_before() -> None:
    found = closed([*segment(0), *segment(1, gap_from=2), *segment(2)])
    mpd = manifest(Listed(VIDEO, closed(segments(0, 3))), Listed(SMALL, found))
    assert spans(mpd, "480p") == [(2, 2 * TWO_SECONDS, TWO_SECONDS)]


def test_a_rendition_does_not_vanish_while_a_gap_lasts() -> None:
    found = closed([*segment(0), *segment(1), *segment(2, gap_from=0)])
    mpd = manifest(Listed(VIDEO, closed(segments(0, 3))), Listed(SMALL, found))
    assert [msn for msn, *_ in spans(mpd, "480p")] == [0, 1]


def test_what_a_rendition_is_to_have_follows_what_it_has() -> None:
    source = closed(segments(0, 4))
    mpd = manifest(Listed(VIDEO, source), Listed(SMALL, source[1:3], pending=source[3:]))
    assert spans(mpd, "480p") == [(msn, msn * TWO_SECONDS, TWO_SECONDS) for msn in (1, 2, 3)]
    assert init_of(mpd, "480p") == "480p/init-0.mp4"


def test_an_idle_rendition_is_listed_with_the_segments_it_can_begin_with() -> None:
    source = closed(segments(0, 4))
    mpd = manifest(Listed(VIDEO, source), Listed(SMALL, (), pending=source[2:]))
    assert spans(mpd, "480p") == [(msn, msn * TWO_SECONDS, TWO_SECONDS) for msn in (2, 3)]
    assert init_of(mpd, "480p") == "480p/init.mp4"


def test_after_a_gap_a_rendition_goes_on_with_what_it_is_to_have() -> None:
    source = closed(segments(0, 4))
    small = closed([*segment(0), *segment(1), *segment(2, gap_from=0)])
    mpd = manifest(Listed(VIDEO, source), Listed(SMALL, small, pending=source[3:]))
    assert [msn for msn, *_ in spans(mpd, "480p")] == [3]


def test_a_rendition_without_a_segment_is_not_listed() -> None:
    found = closed(segments(0, 2))
    nothing: Sequence[Segment] = ()
    mpd = manifest(Listed(VIDEO, found), Listed(SMALL, nothing), Listed(SOUND, nothing))
    assert [one.get("id") for one in mpd.iterfind(".//d:Representation", DASH)] == [SOURCE]


def test_clocks_are_set_by_an_address_for_a_manifest_may_be_old() -> None:
    clock = find(manifest(Listed(VIDEO, closed(segments(0, 3)))), "d:UTCTiming")
    assert (clock.get("schemeIdUri"), clock.get("value")) == ("urn:mpeg:dash:utc:http-xsdate:2014", "time")


def test_an_ended_broadcast_says_how_long_it_was() -> None:
    mpd = manifest(Listed(VIDEO, closed(segments(0, 3))), ended=True)
    assert (mpd.get("minimumUpdatePeriod"), mpd.get("mediaPresentationDuration")) == (None, "PT7.500000S")


def test_zero_is_when_the_broadcast_was_made() -> None:
    assert zero_of("019b9c2e-7e00-7000-8000-000000000000") == 0x019B9C2E7E00
