"""One broadcast of sixty seconds: a real encoder in; an HTTP client and a real browser out.

The broadcast runs once, in `shown`; each test looks at one thing that must have held. Bounds on times only tell a
player that works from one that hangs, on a busy machine too: how fast it is, `bench/` measures.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import Browser, Page

from bench.browser import choose_quality, qualities, statistics, until
from bench.rig import Rig
from tests.e2e.clip import Frame, frames, publish
from tests.e2e.reloading import ReloadingClient
from tests.strict_hls import Multivariant, parse_multivariant

pytestmark = pytest.mark.timeout(240)

LOGIN = "sixty"
RUNG = "160p"
RENDITIONS = ("source", "audio", RUNG)
ELSEWHERE = "source from another server"
STALL_MS = 1_000
"""A picture that stands for so long has stalled."""
FRAME_GAPS = Path(__file__).with_name("frame-gaps.js").read_text()


@dataclass
class Shown:
    """What was seen during the broadcast. Times in seconds unless the name says ms."""

    live_after: float
    multivariant: Multivariant
    clients: dict[str, ReloadingClient]
    console: list[str] = field(default_factory=list)
    first_frame_ms: float = 0.0
    qualities: dict[str, str] = field(default_factory=dict)
    start: dict[str, Any] = field(default_factory=dict)
    statistics: dict[str, str] = field(default_factory=dict)
    switch_gaps_ms: dict[str, float] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    after_reload: dict[str, Any] = field(default_factory=dict)
    audio_only: dict[str, Any] = field(default_factory=dict)
    viewers: dict[str, int] = field(default_factory=dict)
    longest_gap_ms: float = 0.0
    left_after: float = 0.0


@pytest.fixture(scope="module")
def shown(rig: Rig, elsewhere: str, browser: Browser, clip: Path) -> Shown:
    streamer = rig.streamer(LOGIN)
    begun = time.monotonic()
    with publish(clip, streamer.publish_url) as encoder:
        try:
            broadcast = rig.broadcast_of(LOGIN)
            live_after = time.monotonic() - begun
            path = f"/streams/{broadcast}"
            multivariant = parse_multivariant(rig.text(f"{path}/manifest.m3u8"))
            clients = {name: ReloadingClient(f"{rig.url}{path}/{name}/index.m3u8") for name in RENDITIONS}
            clients[ELSEWHERE] = ReloadingClient(f"{elsewhere}{path}/source/index.m3u8")
            for client in clients.values():
                client.start()
            seen = Shown(live_after, multivariant, clients)
            watch(seen, rig, browser, broadcast)
            encoder.wait(90)
            seen.left_after = seconds_until_reconnecting(rig, broadcast)
            for client in clients.values():
                client.finish()
        finally:
            encoder.kill()
    return seen


def watch(seen: Shown, rig: Rig, browser: Browser, broadcast: str) -> None:
    """What a viewer does, and what is to be seen meanwhile."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.on("console", lambda message: seen.console.append(message.text) if message.type == "error" else None)
    page.add_init_script(FRAME_GAPS)
    page.goto(f"{rig.url}/{LOGIN}")
    # Nothing is asked of the page meanwhile: to evaluate a script counts as a gesture, which allows sound.
    page.wait_for_timeout(2_500)
    seen.first_frame_ms = until(page, "window.frameGaps.first")
    seen.start = video(page, "muted: v.muted, unmute: !document.querySelector('[data-unmute]').hidden")
    seen.qualities = qualities(page)
    page.wait_for_timeout(3_000)
    seen.viewers["one"] = status(rig, broadcast)["viewers"]
    measure_statistics(seen, page)
    switch_renditions(seen, page)
    press_keys(seen, page)
    second_tab = context.new_page()
    second_tab.goto(f"{rig.url}/{LOGIN}")
    until(second_tab, "document.querySelector('[data-player]').dataset.state === 'live'")
    come_back(seen, page)
    listen_only(seen, page)
    seen.viewers["two tabs"] = status(rig, broadcast)["viewers"]
    second_tab.close()
    seen.viewers["page"] = int(page.evaluate("document.querySelector('[data-viewer-count]').textContent"))
    context.close()


def measure_statistics(seen: Shown, page: Page) -> None:
    page.keyboard.press("s")
    page.evaluate("window.frameGaps.gaps = []")
    page.wait_for_timeout(6_000)
    seen.longest_gap_ms = page.evaluate("Math.max(...window.frameGaps.gaps.map(gap => gap[0]))")
    seen.statistics = statistics(page)
    page.keyboard.press("s")


def switch_renditions(seen: Shown, page: Page) -> None:
    for name, shows in ((RUNG, "!== 640"), ("source", "=== 640")):
        page.evaluate("window.frameGaps.gaps = []")
        choose_quality(page, name)
        until(page, f"document.querySelector('video').videoWidth {shows}", seconds=10)
        seen.widths[name] = page.evaluate("document.querySelector('video').videoWidth")
        page.wait_for_timeout(1_500)
        seen.switch_gaps_ms[name] = page.evaluate("Math.max(...window.frameGaps.gaps.map(gap => gap[0]))")


def press_keys(seen: Shown, page: Page) -> None:
    page.locator("body").click(position={"x": 5, "y": 780})
    for key, what, expected in (
        ("k", "v.paused", True),
        (" ", "v.paused", False),
        ("m", "v.muted", not seen.start["muted"]),
        ("t", "document.documentElement.hasAttribute('data-theatre')", True),
        ("t", "document.documentElement.hasAttribute('data-theatre')", False),
        ("f", "document.fullscreenElement?.matches('[data-player]') === true", True),
        ("f", "document.fullscreenElement === null", True),
        ("?", "document.querySelector('[data-help]').open", True),
        ("Escape", "document.querySelector('[data-help]').open", False),
    ):
        page.keyboard.press(key)
        seen.keys[f"{key} {what}"] = (expected, settled(page, what, expected))
    page.locator("media-play-button").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    seen.keys["ArrowDown twice"] = (0.9, settled(page, "v.volume", 0.9))


def come_back(seen: Shown, page: Page) -> None:
    """Reloads with a volume and a quality chosen."""
    choose_quality(page, RUNG)
    page.reload(wait_until="commit")
    until(page, "window.frameGaps?.first")
    seen.after_reload = video(page, "volume: v.volume, width: v.videoWidth")
    choose_quality(page, "auto")


def listen_only(seen: Shown, page: Page) -> None:
    choose_quality(page, "audio")
    until(page, "document.querySelector('[data-player]').dataset.state === 'audio'")
    before = video(page, "time: v.currentTime")["time"]
    page.wait_for_timeout(2_000)
    seen.audio_only = {"advanced": video(page, "time: v.currentTime")["time"] - before}
    choose_quality(page, "auto")
    until(page, "document.querySelector('[data-player]').dataset.state === 'live'")


def video(page: Page, what: str) -> dict[str, Any]:
    facts: dict[str, Any] = page.evaluate(f"() => {{ const v = document.querySelector('video'); return {{{what}}} }}")
    return facts


def settled(page: Page, what: str, expected: object) -> object:
    """The value of an expression about the video, given a second to become what is expected."""
    deadline = time.monotonic() + 1
    while (value := video(page, f"is: {what}")["is"]) != expected and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    return value


def seconds_until_reconnecting(rig: Rig, broadcast: str) -> float:
    begun = time.monotonic()
    while status(rig, broadcast)["state"] != "reconnecting" and time.monotonic() < begun + 10:
        time.sleep(0.05)
    return time.monotonic() - begun


def status(rig: Rig, broadcast: str) -> dict[str, Any]:
    answer: dict[str, Any] = rig.json(f"/streams/{broadcast}/status")
    return answer


@pytest.fixture(scope="module")
def sent(clip: Path) -> dict[str, list[Frame]]:
    return {kind: frames(clip, kind) for kind in ("video", "audio")}


@pytest.fixture(scope="module")
def received(shown: Shown) -> dict[str, list[Frame]]:
    """Every frame of each rendition, as it was served."""
    return {name: list(itertools.chain(*client.frames())) for name, client in shown.clients.items()}


def test_is_live_within_seconds(shown: Shown) -> None:
    assert shown.live_after < 12


def test_lists_source_ladder_and_audio(shown: Shown) -> None:
    names = [variant.uri.split("/")[0] for variant in shown.multivariant.variants]
    assert names == ["source", RUNG, "audio"]
    assert shown.multivariant.variants[0].resolution == (640, 360)
    assert shown.multivariant.variants[0].frame_rate == 30


def test_shows_the_first_frame_soon(shown: Shown) -> None:
    assert shown.first_frame_ms < 8_000


def test_starts_without_sound_where_the_browser_forbids_it_and_offers_it(shown: Shown) -> None:
    assert shown.start == {"muted": True, "unmute": True}


def test_offers_auto_each_rendition_and_audio_only(shown: Shown) -> None:
    assert list(shown.qualities) == ["auto", "source", RUNG, "audio"]
    assert shown.qualities["source"] == "360p (source)"


def test_plays_without_a_stall(shown: Shown) -> None:
    assert shown.longest_gap_ms < STALL_MS


def test_tells_what_it_plays(shown: Shown) -> None:
    told = shown.statistics
    assert told["resolution"] == "640\u00d7360"
    assert told["rendition"].startswith("source")
    assert 20 < float(told["fps"]) < 40
    assert 0.8 < float(told["latency"].split()[0]) < 6
    assert 0 < float(told["buffer"].split()[0]) < 6
    assert told["stalls"] == "0"


@pytest.mark.parametrize("name", [RUNG, "source"])
def test_switches_renditions_without_a_stall(shown: Shown, name: str) -> None:
    assert shown.switch_gaps_ms[name] < STALL_MS


def test_shows_the_rendition_that_was_chosen(shown: Shown) -> None:
    assert shown.widths == {RUNG: 284, "source": 640}


def test_obeys_its_keys(shown: Shown) -> None:
    assert [name for name, (expected, got) in shown.keys.items() if expected != got] == []


def test_remembers_volume_and_quality(shown: Shown) -> None:
    assert shown.after_reload == {"volume": 0.9, "width": 284}


def test_plays_audio_only(shown: Shown) -> None:
    assert shown.audio_only["advanced"] > 1


def test_counts_a_browser_once_however_many_tabs_it_has(shown: Shown) -> None:
    assert shown.viewers == {"one": 1, "two tabs": 1, "page": 1}


def test_leaves_the_console_clean(shown: Shown) -> None:
    # A broadcast has no thumbnail in its first seconds; the browser logs that picture's 404 by itself.
    assert [line for line in shown.console if "404" not in line] == []


@pytest.mark.parametrize("name", [*RENDITIONS, ELSEWHERE])
def test_serves_playlists_that_keep_every_rule(shown: Shown, name: str) -> None:
    client = shown.clients[name]
    assert client.failure is None
    assert client.reloads > 100


@pytest.mark.parametrize("name", [*RENDITIONS, ELSEWHERE])
def test_a_segment_is_its_parts(shown: Shown, name: str) -> None:
    client = shown.clients[name]
    whole = [msn for msn in client.segments if f"{msn}.0.m4s" in client.parts]
    assert len(whole) > 20
    for msn in whole:
        parts = [body for uri, body in sorted(client.parts.items(), key=number) if uri.startswith(f"{msn}.")]
        assert b"".join(parts) == client.segments[msn]


def number(item: tuple[str, bytes]) -> tuple[int, int]:
    msn, part, _ = item[0].split(".")
    return int(msn), int(part)


@pytest.mark.parametrize(("name", "kind"), [("source", "video"), (ELSEWHERE, "video"), ("audio", "audio")])
def test_serves_the_encoder_s_every_byte(
    sent: dict[str, list[Frame]], received: dict[str, list[Frame]], name: str, kind: str
) -> None:
    served = [frame.data for frame in received[name]]
    first = next(index for index, frame in enumerate(sent[kind]) if frame.data == served[0])
    assert first <= 1
    assert served == [frame.data for frame in sent[kind]][first : first + len(served)]
    # The last seconds may not have closed a segment.
    assert len(served) > len(sent[kind]) * 9 // 10


def test_every_frame_of_the_source_has_its_exact_timestamps(
    sent: dict[str, list[Frame]], received: dict[str, list[Frame]]
) -> None:
    pairs = list(zip(received["source"], sent["video"], strict=False))
    # A timeline begins at 0 with the first picture shown, whatever an encoder's composition offsets are.
    assert {served.pts - meant.pts for served, meant in pairs} == {-sent["video"][0].pts}
    assert {served.dts - meant.dts for served, meant in pairs} == {0}


def test_every_frame_of_a_ladder_rendition_has_the_source_s_timestamp(
    received: dict[str, list[Frame]],
) -> None:
    rung = sorted(frame.pts for frame in received[RUNG])
    source = sorted(frame.pts for frame in received["source"])
    assert len(rung) > 1_000
    assert rung == [pts for pts in source if rung[0] <= pts <= rung[-1]]


@pytest.mark.parametrize("name", ["source", RUNG])
def test_every_picture_can_be_decoded(
    shown: Shown, received: dict[str, list[Frame]], tmp_path: Path, name: str
) -> None:
    path = shown.clients[name].write(tmp_path / "all.mp4")
    with av.open(str(path)) as container:
        decoded = sum(1 for frame in container.decode(video=0) if not frame.is_corrupt)
    assert decoded == len(received[name])


@pytest.mark.parametrize("name", ["source", RUNG, "audio"])
def test_segments_meet_without_gap_or_overlap(shown: Shown, name: str) -> None:
    segments = shown.clients[name].frames()
    seams = [after[0].dts - (before[-1].dts + before[-1].duration) for before, after in itertools.pairwise(segments)]
    assert len(seams) > 20
    assert set(seams) == {0}


def test_audio_and_video_stay_in_sync(sent: dict[str, list[Frame]], received: dict[str, list[Frame]]) -> None:
    audio, video_frames = received["audio"], received["source"]
    first = next(index for index, frame in enumerate(sent["audio"]) if frame.data == audio[0].data)
    meant = sent["audio"][first].pts - sent["video"][0].pts
    off = (audio[0].pts - video_frames[0].pts) - meant
    # RTMP's timestamps are whole milliseconds.
    assert abs(off) <= Fraction(2, 1000)
    later = min(len(audio), 2_000) - 1
    assert audio[later].pts - audio[0].pts == later * Fraction(1024, 48_000)


def test_waits_for_an_encoder_that_left(shown: Shown) -> None:
    assert shown.left_after < 8
