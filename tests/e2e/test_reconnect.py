"""What a viewer sees when the encoder drops, returns, and does not return."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from bench.browser import until
from bench.rig import Rig
from tests.e2e.clip import make_clip, publish
from tests.e2e.conftest import RECONNECT_GRACE

pytestmark = pytest.mark.timeout(180)

LOGIN = "dropper"
STATE = "document.querySelector('[data-player]').dataset.state"
PLAYING = (
    "(() => { const v = document.querySelector('video'); return !v.paused && v.readyState > 2 && v.currentTime })()"
)


@dataclass(frozen=True)
class Dropped:
    """What was seen, in seconds from what caused it."""

    reconnecting_after: float
    message: str
    playing_after: float
    latency: float
    same_broadcast: bool
    offline_after: float
    next_after: float
    another_broadcast: bool


@pytest.fixture(scope="module")
def dropped(rig: Rig, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Dropped:
    """An encoder killed twice: it returns after the first time, and after the second it is too late."""
    clip = make_clip(tmp_path_factory.mktemp("clip") / "clip.flv", seconds=40)
    url = rig.streamer(LOGIN).publish_url
    with publish(clip, url) as first:
        broadcast = rig.broadcast_of(LOGIN)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{rig.url}/{LOGIN}")
        until(page, PLAYING)
        page.wait_for_timeout(3_000)
        first.kill()
        reconnecting_after = seconds_until(page, f"{STATE} === 'reconnecting'", within=12)
        message = page.locator("[data-message]").inner_text()
    with publish(clip, url) as second:
        playing_after = seconds_until(page, f"{STATE} === 'live' && {PLAYING}", within=12)
        page.wait_for_timeout(6_000)
        latency = float(latency_of(page))
        resumed = rig.json(f"/{LOGIN}/live")["broadcast"]
        second.kill()
    offline_after = seconds_until(page, f"{STATE} === 'offline'", within=RECONNECT_GRACE + 12)
    with publish(clip, url) as third:
        next_after = seconds_until(page, f"{STATE} === 'live' && {PLAYING}", within=15)
        following = rig.json(f"/{LOGIN}/live")["broadcast"]
        third.kill()
    page.close()
    return Dropped(
        reconnecting_after=reconnecting_after,
        message=message,
        playing_after=playing_after,
        latency=latency,
        same_broadcast=resumed == broadcast,
        offline_after=offline_after,
        next_after=next_after,
        another_broadcast=following != broadcast,
    )


def seconds_until(page: Page, expression: str, *, within: float) -> float:
    begun = time.monotonic()
    until(page, expression, seconds=within)
    return time.monotonic() - begun


def latency_of(page: Page) -> str:
    page.keyboard.press("s")
    said: str = page.locator("[data-stat=latency]").inner_text()
    page.keyboard.press("s")
    return said.split()[0]


def test_says_that_the_streamer_dropped(dropped: Dropped) -> None:
    assert dropped.reconnecting_after < 12
    assert dropped.message == "Reconnecting\u2026"


def test_plays_on_when_the_encoder_returns(dropped: Dropped) -> None:
    assert dropped.playing_after < 12
    assert dropped.same_broadcast


def test_is_as_close_to_live_after_it_as_before(dropped: Dropped) -> None:
    assert dropped.latency < 6


def test_goes_offline_after_the_grace(dropped: Dropped) -> None:
    assert dropped.offline_after < RECONNECT_GRACE + 12


def test_plays_the_next_broadcast_by_itself(dropped: Dropped) -> None:
    assert dropped.next_after < 15
    assert dropped.another_broadcast
