"""DASH in a real player: shaka-player on the very segments of HLS, across a reconnect, and on an idle rendition."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from playwright.sync_api import Browser, Page

from bench.browser import until
from bench.rig import BASE_DIR, Rig
from tests.e2e.clip import publish

SHAKA = BASE_DIR / "node_modules" / "shaka-player" / "dist" / "shaka-player.compiled.js"
PAGE = "<!DOCTYPE html><title>DASH</title><video muted autoplay></video><script src='/dash-test.js'></script>"
LOAD = """
async (url) => {
  shaka.polyfill.installAll();
  window.player = new shaka.Player();
  window.errors = [];
  player.addEventListener("error", (event) => errors.push(event.detail.code));
  // Which rendition it begins with is not to hang on what a busy machine's loopback carries.
  player.configure({ abr: { enabled: false, useNetworkInformation: false, defaultBandwidthEstimate: 1e8 } });
  await player.attach(document.querySelector("video"));
  await player.load(url);
}
"""
CHOOSE = """
([height, clearBuffer]) => {
  const track = player.getVariantTracks().find((one) => one.height === height);
  player.selectVariantTrack(track, clearBuffer);
}
"""
NAMESPACES = {"d": "urn:mpeg:dash:schema:mpd:2011"}


@pytest.fixture
def page(browser: Browser, rig: Rig) -> Iterator[Page]:
    """A page of the same origin with shaka-player in it, and nothing else."""
    if not SHAKA.exists():
        pytest.skip("shaka-player is not there: npm ci")
    page = browser.new_page()
    page.route("**/dash-test", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.route("**/dash-test.js", lambda route: route.fulfill(path=str(SHAKA), content_type="text/javascript"))
    page.goto(f"{rig.url}/dash-test")
    yield page
    page.close()


@contextmanager
def encoding(clip: Path, url: str) -> Iterator[None]:
    """An encoder that is killed at the end."""
    with publish(clip, url) as encoder:
        try:
            yield
        finally:
            encoder.kill()


def periods(rig: Rig, broadcast: str) -> list[float]:
    """Where each period of the manifest starts, in seconds."""
    mpd = fromstring(rig.text(f"/streams/{broadcast}/manifest.mpd"))
    return [float(period.attrib["start"].strip("PTS")) for period in mpd.findall("d:Period", NAMESPACES)]


def test_dash_plays_and_goes_on_in_the_period_after_a_reconnect(rig: Rig, page: Page, clip: Path) -> None:
    streamer = rig.streamer("dash")
    with encoding(clip, streamer.publish_url):
        broadcast = rig.broadcast_of("dash", seconds=30)
        page.evaluate(LOAD, f"{rig.url}/streams/{broadcast}/manifest.mpd")
        until(page, "document.querySelector('video').currentTime > player.seekRange().start + 1", seconds=20)
        assert page.evaluate("document.querySelector('video').videoWidth") == 640
        assert page.evaluate("player.getVariantTracks()[0].audioCodec") == "mp4a.40.2"
        assert len(periods(rig, broadcast)) == 1
    with encoding(clip, streamer.publish_url):
        while len(starts := periods(rig, broadcast)) < 2:
            page.wait_for_timeout(200)
        until(page, f"document.querySelector('video').currentTime > {starts[1] + 1}", seconds=30)
        assert page.evaluate("errors") == []


def test_dash_plays_an_idle_rendition_when_it_is_chosen(rig: Rig, page: Page, clip: Path) -> None:
    streamer = rig.streamer("dash_ladder")
    with encoding(clip, streamer.publish_url):
        broadcast = rig.broadcast_of("dash_ladder", seconds=30)
        page.evaluate(LOAD, f"{rig.url}/streams/{broadcast}/manifest.mpd")
        until(page, "document.querySelector('video').videoHeight === 360", seconds=30)
        assert page.evaluate("player.getVariantTracks().map((one) => one.height).sort()") == [160, 360]
        # With an emptied buffer, as shaka's own controls do, it asks for what lies behind the picture, else for what
        # comes next.
        for height, clear in ((160, True), (360, False)):
            page.evaluate(CHOOSE, [height, clear])
            until(page, f"document.querySelector('video').videoHeight === {height}", seconds=60)
            seen = page.evaluate("document.querySelector('video').currentTime")
            until(page, f"document.querySelector('video').currentTime > {seen} + 3", seconds=60)
        assert page.evaluate("errors") == []
