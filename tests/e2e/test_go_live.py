"""Going live from a real browser, with Chromium's own fake camera and microphone."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bench.browser import ARGUMENTS, AUTOPLAY, chromium, until
from bench.rig import Rig
from tests.e2e.test_site import no_sideways_scrolling, sign_up

FAKES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def studio(browser: Browser) -> Iterator[Browser]:
    """Another Chromium: fake devices are chosen when it starts."""
    studio = browser.browser_type.launch(executable_path=chromium(), args=[*ARGUMENTS, AUTOPLAY, *FAKES])
    yield studio
    studio.close()


@pytest.fixture
def context(studio: Browser, rig: Rig) -> Iterator[BrowserContext]:
    context = studio.new_context(base_url=rig.url, permissions=["camera", "microphone"])
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    assert problems == []


def test_a_browser_goes_live_is_watched_and_stops(page: Page, context: BrowserContext, rig: Rig) -> None:
    login = f"cam_{secrets.token_hex(4)}"
    sign_up(page, login)
    page.get_by_role("link", name="Go live from this browser").click()
    expect(page.get_by_role("heading", name="Go live from your browser")).to_be_visible()
    page.get_by_role("button", name="Turn on camera").click()
    state = page.locator("[data-state]")
    expect(state).to_have_text("Preview")
    until(page, "document.querySelector('[data-preview]').videoWidth > 0")
    # Chromium's fake microphone beeps
    until(page, "document.querySelector('[data-level]').value > 0.2")
    assert page.get_by_label("Camera", exact=True).last.locator("option").count() > 1
    page.get_by_role("button", name="Go live").click()
    expect(state).to_have_text("LIVE", timeout=20_000)
    # who works by keyboard finds the button that took the other's place
    assert page.evaluate("document.activeElement.textContent") == "Stop"
    broadcast = rig.broadcast_of(login, seconds=30)
    for codec in ("avc1", "mp4a.40.2"):
        until(page, f"fetch('/streams/{broadcast}/manifest.m3u8').then(r => r.text()).then(t => t.includes('{codec}'))")
    watching = context.new_page()
    watching.goto(f"/{login}")
    until(watching, "document.querySelector('[data-player]').dataset.state === 'live'", seconds=30)
    until(watching, "document.querySelector('video').currentTime > 0.5", seconds=20)
    watching.close()
    page.set_viewport_size({"width": 360, "height": 740})
    assert no_sideways_scrolling(page)
    page.get_by_role("button", name="Stop").click()
    expect(state).to_have_text("Preview")
    until(page, f"fetch('/streams/{broadcast}/status').then(r => r.json()).then(s => s.state !== 'live')", seconds=15)
    page.get_by_role("button", name="Turn off").click()
    expect(state).to_have_text("Off")


def test_what_is_in_the_way_is_said(studio: Browser, rig: Rig) -> None:
    context = studio.new_context(base_url=rig.url)
    page = context.new_page()
    sign_up(page, f"cam_{secrets.token_hex(4)}")
    page.goto("/dashboard/go-live")
    page.evaluate(
        """() => {
          navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
        }"""
    )
    page.get_by_role("button", name="Turn on camera").click()
    expect(page.get_by_role("alert")).to_contain_text("wasn't allowed to use the camera")
    page.reload()
    page.evaluate("() => { RTCRtpSender.getCapabilities = () => ({ codecs: [{ mimeType: 'video/VP8' }] }); }")
    page.get_by_role("button", name="Turn on camera").click()
    page.get_by_role("button", name="Go live").click()
    expect(page.get_by_role("alert")).to_contain_text("can't encode H.264")
    expect(page.locator("[data-state]")).to_have_text("Preview")
    context.close()
