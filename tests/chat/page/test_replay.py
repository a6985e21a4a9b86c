"""A recorded room beside its video."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Route, expect

from accounts.models import User
from tests.chat.conftest import Server
from tests.chat.page.conftest import Contexts

pytestmark = pytest.mark.django_db(transaction=True)

REPLAY = """<!DOCTYPE html><link rel="stylesheet" href="/static/css/tokens.css">
<section class="chat" data-replay="/replay-{n}.json" data-emotes-url="/chat/{login}/emotes"
  data-house-emotes="/static/chat/emotes/">
<div class="chat__scroll"><ol class="chat__lines" data-lines></ol><button data-more hidden></button></div></section>
<script type="module" src="/static/chat/main.js"></script>"""

SPEAKER = {"id": "u", "login": "bobby", "name": "bobby", "color": "#123456", "badges": []}


async def window_of_chat(route: Route) -> None:
    """Windows of 30 s: something is said each ten seconds."""
    start = int(route.request.url.rpartition("-")[2].removesuffix(".json")) * 30_000
    common = {"type": "message", "user": SPEAKER, "emotes": []}
    messages = [
        {**common, "offset": at + 1, "ts": at, "id": f"m-{at}", "at": at, "text": f"at {at}"}
        for at in range(start, start + 30_000, 10_000)
    ]
    await route.fulfill(json={"every_ms": 30_000, "messages": messages})


async def open_replay(page: Page, web: Server, login: str) -> None:
    document = REPLAY.replace("{login}", login)
    await page.route("**/replay", lambda route: route.fulfill(body=document, content_type="text/html"))
    await page.goto(f"{web.url}/replay")
    await page.wait_for_function("customElements !== undefined && document.readyState === 'complete'")


async def play(page: Page, at: float, *, rate: float = 0) -> None:
    detail = {"at": at, "paused": not rate, "rate": rate}
    await page.evaluate("(d) => document.dispatchEvent(new CustomEvent('videoprogress', { detail: d }))", detail)


async def test_a_replay_follows_its_video_through_jumps(web: Server, alice: User, contexts: Contexts) -> None:
    page = await contexts(web)
    await page.route("**/replay-*.json", window_of_chat)
    await open_replay(page, web, alice.username)
    lines = page.locator(".chat__text")
    await play(page, 25)
    await expect(lines).to_have_text(["at 0", "at 10000", "at 20000"])
    await play(page, 27)
    await play(page, 30)
    await expect(lines.last).to_have_text("at 30000")
    await play(page, 300)
    await expect(lines).to_have_text(["at 270000", "at 280000", "at 290000", "at 300000"])
    await play(page, 5)
    await expect(lines).to_have_text(["at 0"])
    await play(page, 9.5, rate=2)
    await expect(lines).to_have_text(["at 0", "at 10000"])


async def test_a_replay_that_is_still_being_made_comes_by_itself(web: Server, alice: User, contexts: Contexts) -> None:
    page = await contexts(web)
    await page.clock.install()
    await page.route("**/replay-*.json", lambda route: route.fulfill(status=404))
    await open_replay(page, web, alice.username)
    await play(page, 5)
    notice = page.get_by_text("not to be had yet")
    await expect(notice).to_be_visible()
    await page.unroute("**/replay-*.json")
    await page.route("**/replay-*.json", window_of_chat)
    await page.clock.fast_forward(10_000)
    await play(page, 5)
    await expect(page.locator(".chat__text")).to_have_text(["at 0"])
    await expect(notice).to_be_hidden()
