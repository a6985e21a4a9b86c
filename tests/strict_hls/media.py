"""Reads a media playlist line by line."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

from .playlist import PART_TARGET, MediaPlaylist, Part, Segment
from .rules import check
from .syntax import RuleBrokenError, attributes_of, lines_of, must, name_of, unquote, value_of

TARGET_DURATIONS = (2, 10)
_DURATION = re.compile(r"\d+\.\d{6}")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_ONCE = {
    "#EXTM3U",
    "#EXT-X-VERSION",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-SERVER-CONTROL",
    "#EXT-X-PART-INF",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-SKIP",
    "#EXT-X-PRELOAD-HINT",
    "#EXT-X-ENDLIST",
}
_HEADER = [
    "#EXTM3U",
    "#EXT-X-VERSION",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-SERVER-CONTROL",
    "#EXT-X-PART-INF",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-MEDIA-SEQUENCE",
]


def parse_media(text: str, *, previous: MediaPlaylist | None = None) -> MediaPlaylist:
    """A media playlist; a delta update is completed from `previous`, which it then needs."""
    lines = lines_of(text)
    names = [name_of(line) for line in lines]
    for name in _ONCE:
        must(names.count(name) <= 1, f"{name} comes once at most")
    must(names[: len(_HEADER)] == _HEADER, f"the header is {_HEADER}")
    head = dict(zip(names, map(value_of, lines), strict=False))
    must(int(head["#EXT-X-VERSION"]) >= 9, "EXT-X-SKIP and EXT-X-MAP need version 9")
    target = int(head["#EXT-X-TARGETDURATION"])
    must(target in TARGET_DURATIONS, f"TARGETDURATION is one of {TARGET_DURATIONS}")
    control = attributes_of(head["#EXT-X-SERVER-CONTROL"])
    must(control.get("CAN-BLOCK-RELOAD") == "YES", "CAN-BLOCK-RELOAD")
    must(Fraction(control["PART-HOLD-BACK"]) == 3 * PART_TARGET, "PART-HOLD-BACK is 3 x PART-TARGET")
    skip_until = Fraction(control["CAN-SKIP-UNTIL"])
    must(skip_until >= 6 * target, "CAN-SKIP-UNTIL is 6 x TARGETDURATION at least")
    must(attributes_of(head["#EXT-X-PART-INF"]) == {"PART-TARGET": "0.400"}, "PART-TARGET is 0.4, and never changes")
    skipped = 0
    body = lines[len(_HEADER) :]
    if body and name_of(body[0]) == "#EXT-X-SKIP":
        skipped = int(attributes_of(value_of(body.pop(0)))["SKIPPED-SEGMENTS"])
        must(skipped > 0, "SKIPPED-SEGMENTS is positive")
        must(previous is not None, "a delta update only for who asked for it")
    must("#EXT-X-SKIP" not in map(name_of, body), "EXT-X-SKIP comes right after MEDIA-SEQUENCE")
    playlist = MediaPlaylist(
        target_duration=target,
        skip_until=skip_until,
        media_sequence=int(head["#EXT-X-MEDIA-SEQUENCE"]),
        discontinuity_sequence=int(head["#EXT-X-DISCONTINUITY-SEQUENCE"]),
        skipped=skipped,
        segments=(),
        preload_hint=None,
        reports={},
        ended=False,
    )
    playlist = _Body(playlist, previous).read(body)
    check(playlist)
    return playlist


class _Body:
    """Reads what follows the header."""

    def __init__(self, playlist: MediaPlaylist, previous: MediaPlaylist | None) -> None:
        self.playlist = playlist
        self.segments: list[Segment] = []
        self.msn = playlist.media_sequence
        self.discontinuity = playlist.discontinuity_sequence
        self.init: str | None = None
        if playlist.skipped:
            assert previous is not None
            known = {segment.msn: segment for segment in previous.closed}
            for msn in range(self.msn, self.msn + playlist.skipped):
                must(msn in known, f"segment {msn} is skipped, but was never served")
                self.segments.append(known[msn])
            self.msn += playlist.skipped
            self.init = self.segments[-1].init
            self.discontinuity = self.segments[-1].discontinuity
        self._reset()

    def _reset(self) -> None:
        self.date: datetime | None = None
        self.parts: list[Part] = []
        self.gap = False
        self.duration: Fraction | None = None

    def read(self, lines: list[str]) -> MediaPlaylist:
        hint = None
        reports: dict[str, tuple[int, int]] = {}
        ended = False
        for line in lines:
            name, value = name_of(line), value_of(line)
            must(not ended, "nothing follows EXT-X-ENDLIST")
            if name in ("#EXT-X-PRELOAD-HINT", "#EXT-X-RENDITION-REPORT", "#EXT-X-ENDLIST"):
                ended = name == "#EXT-X-ENDLIST"
                if name == "#EXT-X-PRELOAD-HINT":
                    hint = self._hint(value)
                elif name == "#EXT-X-RENDITION-REPORT":
                    report = attributes_of(value)
                    reports[unquote(report["URI"])] = int(report["LAST-MSN"]), int(report["LAST-PART"])
                continue
            must(hint is None and not reports, f"{name} comes before hint and reports")
            self._segment_line(name, value, line)
        if self.parts:
            self._close(None)
        must(self.date is None and self.duration is None, "tags are followed by their segment")
        return replace(self.playlist, segments=tuple(self.segments), preload_hint=hint, reports=reports, ended=ended)

    @staticmethod
    def _hint(value: str) -> str:
        hint = attributes_of(value)
        must(set(hint) == {"TYPE", "URI"} and hint["TYPE"] == "PART", "the hint is for a part")
        return unquote(hint["URI"])

    def _segment_line(self, name: str, value: str, line: str) -> None:
        if name in ("#EXT-X-DISCONTINUITY", "#EXT-X-MAP", "#EXT-X-PROGRAM-DATE-TIME"):
            must(not self.parts, f"{name} comes before the first EXT-X-PART of its segment (4.4.4.9)")
        if name == "#EXT-X-DISCONTINUITY":
            self.discontinuity += 1
        elif name == "#EXT-X-MAP":
            self.init = unquote(attributes_of(value)["URI"])
            must(re.fullmatch(r"init-\d+\.mp4", self.init), "init sections are init-<n>.mp4")
        elif name == "#EXT-X-PROGRAM-DATE-TIME":
            must(
                self.date is None and _DATE.fullmatch(value), "one PROGRAM-DATE-TIME a segment, UTC, with milliseconds"
            )
            self.date = datetime.fromisoformat(value).astimezone(UTC)
        elif name == "#EXT-X-PART":
            self._part(value)
        elif name == "#EXT-X-GAP":
            self.gap = True
        elif name == "#EXTINF":
            must(value.endswith(",") and _DURATION.fullmatch(value[:-1]), "EXTINF has six decimals")
            self.duration = Fraction(value[:-1])
        elif not name.startswith("#"):
            must(self.duration is not None, "a URI follows its EXTINF")
            self._close(line)
        else:
            raise RuleBrokenError(f"unknown tag {name}")

    def _part(self, value: str) -> None:
        attributes = attributes_of(value)
        must(set(attributes) <= {"DURATION", "URI", "INDEPENDENT", "GAP"}, "EXT-X-PART has no other attributes")
        must(self.duration is None, "parts come before their segment's EXTINF")
        must(_DURATION.fullmatch(attributes["DURATION"]), "DURATION has six decimals")
        must(set(attributes.values()) & {"NO"} == set(), "flags are YES or left out")
        uri = unquote(attributes["URI"])
        must(uri == f"{self.msn}.{len(self.parts)}.m4s", f"part URI {uri} in segment {self.msn}")
        self.parts.append(Part(uri, Fraction(attributes["DURATION"]), "INDEPENDENT" in attributes, "GAP" in attributes))

    def _close(self, uri: str | None) -> None:
        must(self.init is not None, "EXT-X-MAP comes before the first segment")
        must(self.date is not None, "every segment has a PROGRAM-DATE-TIME")
        must(uri in (None, f"{self.msn}.m4s"), f"URI {uri} of segment {self.msn}")
        assert self.init is not None
        assert self.date is not None
        self.segments.append(
            Segment(self.msn, self.date, self.discontinuity, self.init, tuple(self.parts), self.duration, uri, self.gap)
        )
        self.msn += 1
        self._reset()
