"""Going live from a real browser, with Chromium's own fake camera and microphone."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bench.browser import ARGUMENTS, AUTOPLAY, chromium, until
from bench.rig import Rig
from streaming.ingest.whip.app import ice_server_link
from streaming.ingest.whip.offer import Transport, read_offer, read_update, write_answer, write_fragment
from tests.e2e.cable import Cable
from tests.e2e.test_site import no_sideways_scrolling, sign_up
from tests.streaming.ingest.whip.test_offer import CHROMIUM

FAKES = (
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
    "--auto-select-desktop-capture-source=Entire screen",
)
OURS = ("old", 1), ("new", 2)


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
    turn_on(page)
    state = page.locator("[data-state]")
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
    page.get_by_role("button", name="Turn off").click()
    expect(state).to_have_text("Off")
    # it waits, unless whoever left it has had enough
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_text("Your stream has ended.")).to_be_visible()
    assert rig.json(f"/{login}/live")["broadcast"] is None


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


def test_what_interrupts_a_broadcast_does_not_end_it(page: Page, context: BrowserContext, alone: Rig) -> None:
    login = f"cam_{secrets.token_hex(4)}"
    sign_up(page, login)
    page.goto("/dashboard/go-live")
    with Cable(context, alone.whip_url) as cable:
        turn_on(page)
        start(page)
        broadcast = alone.broadcast_of(login, seconds=30)

        # the way is lost, and found again by an ICE restart
        cable.pull()
        expect(page.locator("[data-state]")).to_have_text("Reconnecting…", timeout=20_000)
        cable.plug_in()
        expect(page.locator("[data-state]")).to_have_text("LIVE", timeout=10_000)
        assert ("PATCH", 200) in cable.answers
        begun = cable.answers.count(("POST", 201))

        # another source in the same session, though in another size
        page.get_by_label("Screen or window").check()
        until(page, "document.querySelector('[data-preview]').videoWidth === 1920")
        until(page, "document.querySelector('[data-figure=video]').textContent.includes('1080')", seconds=20)
        assert cable.answers.count(("POST", 201)) == begun

        # a page beside it that is not on air
        other = context.new_page()
        other.goto("/dashboard/go-live")
        expect(other.get_by_text("live from another encoder or page")).to_be_visible(timeout=10_000)
        turn_on(other)
        other.get_by_role("button", name="Go live", exact=True).click()
        expect(other.get_by_role("alert")).to_contain_text("already live from another encoder")
        other.close()

        # the page goes, and comes back to the same broadcast
        page.reload()
        turn_on(page)
        expect(page.get_by_text("waits for you")).to_be_visible()
        start(page)
        assert alone.json(f"/{login}/live")["broadcast"] == broadcast
        expect(page.get_by_text("waits for you")).to_be_hidden()


def turn_on(page: Page) -> None:
    page.get_by_role("button", name="Turn on camera").click()
    expect(page.locator("[data-state]")).to_have_text("Preview")


def start(page: Page) -> None:
    page.get_by_role("button", name="Go live", exact=True).click()
    expect(page.locator("[data-state]")).to_have_text("LIVE", timeout=20_000)


def test_links_of_ice_servers_are_read(page: Page) -> None:
    page.goto("/")
    servers = "stun:stun.example.org", "turn:a%22b:c%2Cd@turn.example.org?transport=udp"
    links = ", ".join(map(ice_server_link, servers))
    assert module(page, f"m.iceServers({json.dumps(links)})") == [
        {"urls": "stun:stun.example.org"},
        {"urls": "turn:turn.example.org?transport=udp", "username": 'a"b', "credential": "c,d"},
    ]
    assert module(page, "m.iceServers('')") == []


def test_an_ice_restart_changes_credentials_and_candidates_alone(page: Page) -> None:
    page.goto("/")
    offer = read_offer(CHROMIUM)
    old, new = (Transport(name, name * 9, "CC:DD", (f"1 1 udp 9 192.0.2.{at} 6000 typ host",)) for name, at in OURS)
    answer, wanted = (write_answer(offer, transport, session=1) for transport in (old, new))
    fragment = write_fragment(offer, new)
    found = module(page, f"m.restarted({json.dumps(answer)}, {json.dumps(fragment)})")
    assert sorted(found.splitlines()) == sorted(wanted.splitlines())
    # in the section whose transport they are of
    assert found.index("192.0.2.2") < found.index("m=video")
    sent = read_update(module(page, f"m.iceFragment({json.dumps(CHROMIUM)})"))
    assert (sent.ufrag, sent.password) == (offer.ufrag, offer.password)


def module(page: Page, expression: str) -> Any:
    """The value of an expression in which `m` is what the page knows of SDP."""
    return page.evaluate(f"async () => {{ const m = await import('/static/go-live/sdp.js'); return {expression} }}")
