"""The player's pure modules, as a browser runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from bench.rig import BASE_DIR, Rig

SEGMENTS = "[{sn: 7, start: 14, end: 16}, {sn: 8, start: 16, end: 18}, {sn: 9, start: 18, end: 18.8}]"
SOURCE = (
    "{url: ['/streams/b/source/index.m3u8'], height: 1080, frameRate: 60, videoCodec: 'avc1.64002a', maxBitrate: 7e6}"
)
HEVC = (
    "{url: ['/streams/b/source/index.m3u8'], height: 1080, frameRate: 60, videoCodec: 'hvc1.1.6.L123', maxBitrate: 5e6}"
)
P720 = "{url: ['/streams/b/720p60/index.m3u8'], height: 720, frameRate: 60, videoCodec: 'avc1.640020', maxBitrate: 5e6}"
P480 = "{url: ['/streams/b/480p/index.m3u8'], height: 480, frameRate: 30, videoCodec: 'avc1.64001f', maxBitrate: 2e6}"
WHOLE = "#EXT-X-PART:DURATION=0.4,URI=\\'8.0.m4s\\'\\n"
GAP = "#EXT-X-PART:DURATION=0.4,URI=\\'8.1.m4s\\',GAP=YES\\n"


@pytest.fixture(scope="module")
def page(rig: Rig, browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(rig.url)
    yield page
    page.close()


def call(page: Page, module: str, expression: str) -> Any:
    """The value of an expression in which `m` is a module of the player."""
    return page.evaluate(f"async () => {{ const m = await import('/static/player/{module}.js'); return {expression} }}")


@pytest.mark.parametrize(
    ("current_time", "buffered_end", "segment"),
    [
        (15.0, 16.4, 8),  # the buffer ends in a segment that the playhead has not reached
        (16.1, 17.2, None),  # both are in the same one
        (15.9, 16.4, None),  # the playhead is about to enter it
        (14.5, 16.0, 8),  # a whole segment is buffered: the next one is clean
        (17.0, 18.8, 9),  # everything is buffered
        (5.0, 5.5, 7),  # far behind what the playlist lists
    ],
)
def test_a_switch_begins_with_a_segment_that_is_not_on_screen(
    page: Page, current_time: float, buffered_end: float, segment: int | None
) -> None:
    found = call(page, "level-gate", f"m.nextCleanSegment({SEGMENTS}, {current_time}, {buffered_end})")
    assert found == segment


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (f"'{WHOLE}'", True),
        (f"'{WHOLE}{GAP}'", False),
        ('\'{"code": "not_yet"}\', {status: 503}', False),
        ("'behind a proxy', {status: 503}", False),
        ('\'{"code": "not_offered", "message": "1080p60 is not offered"}\', {status: 503}', "1080p60 is not offered"),
        ("'', {status: 404}", " answered 404"),
    ],
)
def test_knows_a_level_that_is_late_from_one_that_is_refused(page: Page, answer: str, outcome: bool | str) -> None:
    refused = "(error) => error instanceof m.RefusedError && error.message"
    assert call(page, "level-gate", f"await m.isServed(new Response({answer})).catch({refused})") == outcome


@pytest.mark.parametrize(("playlist", "is_gap"), [(WHOLE, False), (WHOLE + GAP, True), (GAP + WHOLE * 20, False)])
def test_knows_a_playlist_whose_newest_media_is_missing(page: Page, playlist: str, is_gap: bool) -> None:
    assert call(page, "level-gate", f"m.endsInGap('{playlist}')") is is_gap


def test_lists_the_source_first_and_the_rest_from_the_best_down(page: Page) -> None:
    labels = call(page, "renditions", f"m.renditionsOf([{P480}, {P720}, {SOURCE}]).map(r => [r.label, r.level])")
    assert labels == [["1080p60 (source)", 2], ["720p60", 1], ["480p", 0]]


def test_says_which_codec_a_source_has_that_not_every_browser_plays(page: Page) -> None:
    assert call(page, "renditions", f"m.renditionsOf([{HEVC}])[0].label") == "1080p60 (source, HEVC)"


def test_auto_stays_with_h264_beside_an_hevc_source(page: Page) -> None:
    started = call(page, "renditions", f"m.autoStart(m.renditionsOf([{P480}, {P720}, {HEVC}]), 0).name")
    assert started == "720p60"


@pytest.mark.parametrize(("bandwidth", "name"), [(0, "source"), (20e6, "source"), (7e6, "720p60"), (1e5, "480p")])
def test_auto_starts_with_what_this_browser_could_load_last_time(page: Page, bandwidth: float, name: str) -> None:
    found = call(page, "renditions", f"m.autoStart(m.renditionsOf([{P480}, {P720}, {SOURCE}]), {bandwidth}).name")
    assert found == name


def test_a_browser_keeps_its_viewer_id(page: Page) -> None:
    first = call(page, "preferences", "new m.Preferences().viewer")
    assert len(first) == 32
    assert call(page, "preferences", "new m.Preferences().viewer") == first


def test_a_preview_remembers_nothing_but_who_watches(page: Page) -> None:
    script = (
        "(p => { p.write('volume', 0.2); return [p.read('volume', '1'), new m.Preferences().read('volume', '1')] })"
    )
    assert call(page, "preferences", f"{script}(new m.ForgetfulPreferences())") == ["1", "1"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h2m3s", 3723),
        ("90s", 90),
        ("90", 90),
        ("2m", 120),
        ("1h", 3600),
        ("0", 0),
        ("x", None),
        ("-5", None),
        ("", None),
    ],
)
def test_reads_moments_as_addresses_have_them(page: Page, text: str, seconds: int | None) -> None:
    assert call(page, "moment", f"m.parseMoment('{text}')") == seconds
    if seconds:
        assert call(page, "moment", f"m.parseMoment(m.formatMoment({seconds}))") == seconds


def test_a_browser_keeps_where_it_left_off_and_no_more_videos_than_it_may(page: Page) -> None:
    script = (
        "((p) => { for (let i = 0; i < 205; i += 1) p.write(`v${i}`, i + 1); p.write('v204', 0);"
        " return ['v204', 'v203', 'v5', 'v4'].map((vod) => p.read(vod)) })"
        "(new m.Positions(new (await import('/static/player/preferences.js')).Preferences()))"
    )
    assert call(page, "positions", script) == [0, 204, 6, 0]


def imported(entry: str) -> set[str]:
    """The player's modules that an entry loads, itself among them."""
    found, left = set(), {entry}
    while left:
        name = left.pop()
        found.add(name)
        text = (BASE_DIR / "static" / "player" / name).read_text()
        left |= set(re.findall(r'from "\./([a-z-]+\.js)"', text)) - found
    return found


@pytest.mark.parametrize(
    ("entry", "template"), [("live.js", "streaming/_player.html"), ("vod.js", "vods/_player.html")]
)
def test_the_page_preloads_every_module(entry: str, template: str) -> None:
    texts = [(BASE_DIR / "templates" / name).read_text() for name in ("streaming/_stage.html", template)]
    preloaded = re.findall(r"modulepreload\" href=\"{% static 'player/([a-z-]+\.js)'", "".join(texts))
    assert set(preloaded) == imported(entry)
