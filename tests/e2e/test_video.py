"""A video's page in a real browser: it plays, shows what is where, seeks, and comes back to where one left off."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.browser import choose_quality, qualities, until
from bench.rig import Rig
from tests.e2e.clip import make_clip, publish
from tests.e2e.conftest import VIDEO_SECONDS
from tests.e2e.test_site import sign_up
from tests.workers.fleet import eventually


@pytest.fixture
def page(browser: Browser, rig: Rig) -> Iterator[Page]:
    context = browser.new_context(base_url=rig.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def film(page: Page, expression: str) -> Any:
    return page.evaluate(f"(v => {expression})(document.querySelector('video'))")


def plays_from(page: Page, seconds: float) -> float:
    """Waits until the picture moves beyond a moment; answers where it is."""
    until(page, f"(v => !v.paused && v.currentTime > {seconds} && v.videoWidth)(document.querySelector('video'))")
    return float(film(page, "v.currentTime"))


def test_it_plays_seeks_shows_pictures_and_comes_back(page: Page, rig: Rig, video: str) -> None:
    page.goto(f"/videos/{video}")
    plays_from(page, 0.3)
    assert film(page, "v.videoWidth") == 320
    assert film(page, "Math.round(v.duration)") == VIDEO_SECONDS

    # The seek bar shows the storyboard's picture of the moment under the pointer.
    until(page, "Boolean(customElements.get('media-time-range'))")
    until(page, "document.querySelector('track[label=thumbnails]').track.cues?.length >= 20")
    bar = page.locator("media-time-range")
    expect(bar.locator("input")).to_have_attribute("aria-label", "seek")
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    until(page, "document.querySelector('media-time-range').hasAttribute('mediapreviewimage')")
    shown = page.evaluate("document.querySelector('media-time-range').getAttribute('mediapreviewimage')")
    assert f"/vods/{video}/storyboard-0.jpg" in shown

    # A seek shows its picture within half a second on one machine.
    took = film(
        page,
        "new Promise(done => { const at = performance.now();"
        " v.addEventListener('seeked', () => v.requestVideoFrameCallback(() => done(performance.now() - at)),"
        " {once: true}); v.currentTime = 30; })",
    )
    assert took < 2_000  # the bound of a loaded machine; `bench` holds it to 500 ms
    assert plays_from(page, 30) < 35

    page.keyboard.press("j")
    until(page, "document.querySelector('video').currentTime < 28")
    page.keyboard.press("l")
    until(page, "document.querySelector('video').currentTime > 28")
    page.keyboard.press("Shift+>")
    assert film(page, "v.playbackRate") == 1.25

    # Enough was watched to be a view, and to be remembered.
    until(page, "document.querySelector('[data-views]').textContent === '1'", seconds=20)
    film(page, "(v.currentTime = 14)")  # not so near the end that it counts as seen
    plays_from(page, 14.5)
    page.keyboard.press("k")
    until(page, "document.querySelector('video').paused")
    left = film(page, "v.currentTime")
    page.goto(f"/videos/{video}")
    again = plays_from(page, left - 1)
    assert left - 1 <= again <= left + 5

    page.goto(f"/videos/{video}?t=12s")
    assert 12 <= plays_from(page, 12) < 16


def test_its_address_is_shared_with_a_card(page: Page, rig: Rig, video: str) -> None:
    page.goto(f"/videos/{video}")
    image = page.locator("meta[property='og:image']").get_attribute("content")
    assert image is not None
    assert rig.status(image.removeprefix(rig.url)) == 200


def test_a_viewer_cuts_a_clip_out_of_it(page: Page, video: str) -> None:
    sign_up(page, "clipper")
    page.goto(f"/videos/{video}?t=20s")
    plays_from(page, 21)
    page.get_by_role("button", name="Clip", exact=True).click()
    dialog = page.get_by_role("dialog", name="Make a clip")
    expect(dialog.get_by_label("Length")).to_have_value("20" if film(page, "v.currentTime") < 21 else "21")
    dialog.get_by_label("Title").fill("The moment")
    dialog.get_by_role("button", name="Make the clip").click()
    page.wait_for_url("**/clips/*")
    expect(page.get_by_role("heading", name="The moment")).to_be_visible()
    # The page loads itself anew when the clip is there.
    expect(page.locator("video.clip__picture")).to_be_visible(timeout=60_000)
    until(page, "document.querySelector('video.clip__picture').readyState >= 1")
    assert 19.5 < film(page, "v.duration") < 22
    film(page, "{ v.muted = true; v.play() }")
    until(page, "document.querySelector('video').currentTime > 0.5")


def test_a_viewer_of_what_is_on_goes_back_to_its_start_and_to_live(
    page: Page, rig: Rig, tmp_path: Path, phone: Page
) -> None:
    streamer = rig.streamer("rewound")
    clip = make_clip(tmp_path / "clip.flv", seconds=100)
    with publish(clip, streamer.publish_url) as encoder:
        try:
            broadcast = rig.broadcast_of("rewound")
            assert rig.status(f"/streams/{broadcast}/160p/index.m3u8") == 200  # somebody else watches this
            goes_back(page, "/rewound")
            sees_a_rendition_where_it_was_made(page)
            comes_back(page)
            plays_by_itself(phone)
        finally:
            encoder.kill()


def goes_back(page: Page, channel: str) -> None:
    page.goto(channel)
    page.evaluate("document.addEventListener('playbackprogress', (event) => (window.latency = event.detail.latency))")
    until(page, "window.latency > 0")
    bar = page.get_by_label("Go back in the stream")
    expect(bar).to_be_enabled()
    expect(bar).to_have_attribute("aria-valuetext", "Live")
    until(page, "document.querySelector('[data-rewind]').min < -16", seconds=30)
    bar.evaluate("bar => { bar.value = bar.min; bar.dispatchEvent(new Event('change')) }")
    until(page, "window.latency > 12", seconds=20)
    plays_from(page, 0)


def sees_a_rendition_where_it_was_made(page: Page) -> None:
    """It began after the broadcast, so at its start there is another."""
    assert list(qualities(page)) == ["auto", "source", "160p", "audio"]
    choose_quality(page, "160p")
    until(page, "document.querySelector('video').videoHeight === 160", seconds=30)
    assert page.evaluate("window.latency > 6")


def comes_back(page: Page) -> None:
    page.keyboard.press("l")
    until(page, "window.latency < 4", seconds=20)
    expect(page.get_by_label("Go back in the stream")).to_have_attribute("aria-valuetext", "Live")


def plays_by_itself(phone: Page) -> None:
    """Safari knows where in what is on it may seek; Chromium's own HLS plays it, but does not, and the bar says so."""
    phone.goto("/rewound")
    plays_from(phone, 1)
    expect(phone.get_by_label("Go back in the stream")).to_be_disabled()


@pytest.fixture
def phone(browser: Browser, rig: Rig) -> Iterator[Page]:
    """A page on a phone without MSE: it plays by the browser's own HLS, as Safari does on older iPhones."""
    context = browser.new_context(base_url=rig.url, viewport={"width": 390, "height": 844}, has_touch=True)
    context.add_init_script("for (const kind of ['', 'Managed', 'WebKit']) delete window[`${kind}MediaSource`]")
    page = context.new_page()
    if not page.evaluate("document.createElement('video').canPlayType('application/vnd.apple.mpegurl')"):
        pytest.skip("this Chromium plays no HLS by itself")
    yield page
    context.close()


def test_a_phone_without_mse_plays_seeks_and_comes_back(phone: Page, video: str) -> None:
    phone.goto(f"/videos/{video}?t=12s")
    assert 12 <= plays_from(phone, 12) < 16
    film(phone, "(v.currentTime = 30)")
    assert plays_from(phone, 30) < 35
    choose_quality(phone, "audio")
    until(phone, "document.querySelector('[data-player]').dataset.state === 'audio'")
    assert (
        30
        <= until(phone, "(v => !v.paused && v.currentTime > 30 && v.currentTime)(document.querySelector('video'))")
        < 45
    )


TO_COLD = """
from django.utils import timezone
from vods.models import Tier
from vods.errors import NotReady
from vods.services.tiers import move_vod
try:
    move_vod(vod_id="{video}", to=Tier.COLD, now=timezone.now())
except NotReady:
    print("not ready")
"""


def freeze(rig: Rig, video: str) -> bool:
    """Sends a video to cold storage; false while the day's own work has it on a move."""
    return rig.shell(TO_COLD.format(video=video)) != "not ready"


STORAGE_CLASSES = {"warm": "STANDARD_IA", "cold": "GLACIER"}
LISTED = """
from vods.storage import media
print(*{{one.storage_class for one in media().bucket.objects.filter(Prefix="vods/{video}/source/")}})
"""


def lies_in(rig: Rig, tier: str, video: str) -> bool:
    """Whether the source of a video has gone to a tier: a folder, or a storage class of the bucket."""
    if rig.environment.get("STORAGE") == "s3":
        return rig.shell(LISTED.format(video=video)) == STORAGE_CLASSES[tier]
    return any((rig.folder / "var" / "media" / tier / "vods" / video / "source").glob("*"))


def test_a_video_in_cold_storage_is_brought_back_and_its_viewer_told(page: Page, rig: Rig, video: str) -> None:
    """By the dispatcher and the workers of the installation."""
    eventually(lambda: freeze(rig, video), 30)
    eventually(lambda: lies_in(rig, "cold", video), 30)
    login = f"new_{secrets.token_hex(4)}"
    sign_up(page, login, email=f"{login}@example.org")
    page.goto(f"/videos/{video}")
    expect(page.get_by_role("heading", name="In cold storage")).to_be_visible()
    page.get_by_role("button", name="Bring it back and e-mail me").click()
    expect(page.locator("[data-player]")).to_be_visible(timeout=60_000)
    plays_from(page, 0.3)
    eventually(lambda: f"To: {login}@example.org" in rig.log and f"/videos/{video}" in rig.log, 30)
    assert lies_in(rig, "warm", video)
