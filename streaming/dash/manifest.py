"""The MPD of a live broadcast (ISO/IEC 23009-1, profile isoff-live): HLS's own segments, listed by SegmentTimeline.

Whole segments only; parts are HLS's. Times are UTC: the presentation's zero is when the broadcast was made.

The Representations of a Period stay what they are from one update to the next: shaka-player takes up none that come
later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

from streaming.dash.periods import Period
from streaming.hls.moment import format_moment
from streaming.hls.playlist import init_uri
from streaming.hls.segment import Segment
from streaming.hls.timeline import WINDOW_MS
from streaming.media import AUDIO, Rendition

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
PROFILE = "urn:mpeg:dash:profile:isoff-live:2011"
CLOCK = "urn:mpeg:dash:utc:http-xsdate:2014"
CLOCK_URI = "time"
ROLE = "urn:mpeg:dash:role:2011"
NEWEST_INIT_URI = "init.mp4"
"""The init section of a rendition that may not run yet, relative to it."""
DELAY_TARGETS = 3
"""How far behind the end players start, in target durations, as without low latency in HLS."""
REFRESH_TARGETS = 0.5
"""How often players look for news, in target durations."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A rendition and its closed segments, in order and without holes in their numbers.

    `pending` are those of the leading rendition that it hasn't got yet and will have when somebody loads them: the
    same MSN is the same time in every rendition of video, and they share a timescale.
    """

    rendition: Rendition
    segments: Sequence[Segment]
    pending: Sequence[Segment] = ()


def zero_of(broadcast: str) -> int:
    """The presentation's zero in ms since 1970: the same for every process, for it is in the broadcast's UUIDv7."""
    return UUID(broadcast).int >> 80


def render_manifest(
    listed: Sequence[Listed],
    periods: Sequence[Period],
    *,
    zero_ms: int,
    published_ms: int,
    target_duration: int,
    ended: bool,
) -> str:
    """The manifest as of `published_ms`. `listed` leads with the rendition that `periods` were divided by.

    All times are in ms since 1970 and seconds; URIs are relative to the manifest.
    """
    leading = listed[0]
    mpd = Element(
        "MPD",
        {
            "xmlns": NAMESPACE,
            "profiles": PROFILE,
            "type": "dynamic",
            "availabilityStartTime": format_moment(zero_ms),
            "publishTime": format_moment(published_ms),
            "minBufferTime": f"PT{target_duration}S",
            "maxSegmentDuration": f"PT{target_duration + 0.5:g}S",
            # What may ever be listed, not what is: players take the least they first see for their delay's limit.
            "timeShiftBufferDepth": f"PT{WINDOW_MS / 1000:g}S",
            "suggestedPresentationDelay": f"PT{DELAY_TARGETS * target_duration}S",
        },
    )
    if ended:
        last, last_segment = periods[-1], leading.segments[-1]
        lasted = last.origin_ms - zero_ms
        mpd.set("mediaPresentationDuration", _seconds(last_segment.end, leading.rendition.timescale, after_ms=lasted))
    else:
        mpd.set("minimumUpdatePeriod", f"PT{REFRESH_TARGETS * target_duration:g}S")
    bounds = [*(period.first for period in periods[1:]), leading.segments[-1].msn + 1]
    for period, end in zip(periods, bounds, strict=True):
        _period(mpd, period, listed, end=end, zero_ms=zero_ms)
    # Players whose clock is wrong ask too early or too late (5.8.4.11).
    SubElement(mpd, "UTCTiming", {"schemeIdUri": CLOCK, "value": CLOCK_URI})
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(mpd, encoding="unicode") + "\n"


def _period(mpd: Element, period: Period, listed: Sequence[Listed], *, end: int, zero_ms: int) -> None:
    scale = listed[0].rendition.timescale
    # A clock that was set back between the broadcast's row and its first picture must not make it negative.
    start = _seconds(period.begin, scale, after_ms=max(0, period.origin_ms - zero_ms))
    element = SubElement(mpd, "Period", {"id": period.name, "start": start})
    for is_audio, group in groupby(listed, key=lambda one: one.rendition.name == AUDIO):
        kind = "audio" if is_audio else "video"
        attributes = {"contentType": kind, "mimeType": f"{kind}/mp4", "segmentAlignment": "true", "startWithSAP": "1"}
        adaptation = Element("AdaptationSet", {"id": str(int(is_audio)), **attributes})
        SubElement(adaptation, "Role", {"schemeIdUri": ROLE, "value": "main"})
        for one in group:
            init, segments = _loadable(one, period.first, end)
            if segments:
                begin = period.begin * one.rendition.timescale // scale
                _representation(adaptation, one.rendition, init, segments, begin=begin)
        if adaptation.find("Representation") is not None:
            element.append(adaptation)


def _loadable(listed: Listed, first: int, end: int) -> tuple[str, Sequence[Segment]]:
    """What of the segments from MSN `first` up to `end` one template can name, and the URI of its init section.

    That is the newest run without a gap and with one init section: numbers have no holes.
    """
    owned = [one for one in listed.segments if first <= one.msn < end]
    pending = [one for one in listed.pending if first <= one.msn < end]
    # While a gap lasts, what was before it stays: a Representation doesn't vanish.
    while owned and owned[-1].gap:
        owned.pop()
    for index in range(len(owned) - 1, -1, -1):
        if owned[index].gap or owned[index].init != owned[-1].init:
            owned = owned[index + 1 :]
            break
    if pending and not (owned and owned[-1].msn + 1 == pending[0].msn):
        owned = []
    return init_uri(owned[-1].init) if owned else NEWEST_INIT_URI, [*owned, *pending]


def _representation(
    parent: Element, rendition: Rendition, init: str, segments: Sequence[Segment], *, begin: int
) -> None:
    attributes = {"id": rendition.name, "codecs": rendition.codecs, "bandwidth": str(max(1, rendition.bandwidth))}
    if rendition.width and rendition.height:
        attributes |= {"width": str(rendition.width), "height": str(rendition.height)}
    if rendition.frame_rate:
        attributes["frameRate"] = f"{rendition.frame_rate}/1000"
    template = SubElement(
        SubElement(parent, "Representation", attributes),
        "SegmentTemplate",
        {
            "timescale": str(rendition.timescale),
            "presentationTimeOffset": str(begin),
            "startNumber": str(segments[0].msn),
            "initialization": f"{rendition.name}/{init}",
            "media": f"{rendition.name}/$Number$.m4s",
        },
    )
    timeline = SubElement(template, "SegmentTimeline")
    # To the next one's start: rounding leaves no hole. After the last comes nothing yet.
    lasts = [after.dts - before.dts for before, after in pairwise(segments)] + [segments[-1].duration]
    at = segments[0].dts
    for duration, run in groupby(lasts):
        repeats = len(list(run)) - 1
        entry = {"d": str(duration)} | ({"r": str(repeats)} if repeats else {})
        SubElement(timeline, "S", ({"t": str(at)} if at == segments[0].dts else {}) | entry)
        at += duration * (repeats + 1)


def _seconds(ticks: int, timescale: int, *, after_ms: int = 0) -> str:
    """An xs:duration, to the microsecond."""
    micros = after_ms * 1000 + ticks * 1_000_000 // timescale
    return f"PT{micros // 1_000_000}.{micros % 1_000_000:06}S"
