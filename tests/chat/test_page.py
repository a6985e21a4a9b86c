"""The page's own client, in a real browser."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from PIL import Image
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from accounts.models import User
from tests.chat.conftest import Server, cookie_of

pytestmark = pytest.mark.django_db(transaction=True)

CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
XSS = [
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "javascript:window.pwned=1",
    'https://x.example/"onmouseover="window.pwned=1',
    "{{constructor.constructor('window.pwned=1')()}}",
    "<svg/onload=window.pwned=1> @<b>you</b> hrHeart<iframe>",
    "\u202e<a href='javascript:window.pwned=1'>x</a>",
    "</textarea><script>window.pwned=1</script>",
]

Browse = Callable[[User | None], "object"]


@pytest.fixture
async def contexts() -> AsyncIterator[Callable[..., object]]:
    """Makes browser contexts: `await contexts(server, user)` answers a page of that user."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        async def make(server: Server, user: User | None = None) -> Page:
            context: BrowserContext = await browser.new_context(viewport={"width": 1280, "height": 800})
            if user is not None:
                name, _, value = (await database_sync_to_async(cookie_of)(user)).partition("=")
                assert name == settings.SESSION_COOKIE_NAME
                await context.add_cookies([{"name": name, "value": value, "url": server.url}])
            return await context.new_page()

        yield make
        await browser.close()


async def say(page: Page, text: str) -> None:
    await page.locator("[data-composer] textarea").fill(text)
    await page.keyboard.press("Enter")


async def picture(page: Page, name: str) -> None:
    """A screenshot for a person to look at, where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def test_two_people_talk(web: Server, second_web: Server, alice: User, bobby: User, contexts: Callable) -> None:  # type: ignore[type-arg]
    one, two = await contexts(web, alice), await contexts(second_web, bobby)
    await one.goto(f"{web.url}/{alice.username}")
    await two.goto(f"{second_web.url}/{alice.username}")
    await expect(one.locator("[data-chat-state]")).to_be_hidden()
    await expect(two.locator("[data-chat-state]")).to_be_hidden()
    await say(one, "Welcome to the stream! hrWave")
    await expect(two.locator(".chat__text")).to_have_text(["Welcome to the stream! "])
    await expect(two.locator(".chat__emote")).to_have_attribute("alt", "hrWave")
    await expect(two.locator(".chat__badge--broadcaster")).to_be_visible()
    await say(two, f"hello @{alice.username}, https://example.com is nice hrHeart")
    await expect(one.locator(".chat__line--mine .chat__mention--me")).to_have_text(f"@{alice.username}")
    # A reply, by a click on the line.
    await one.locator(".chat__line[data-login=bobby] .chat__time").click()
    await say(one, "thank you")
    await expect(two.locator(".chat__quote")).to_contain_text("bobby: hello")
    # A timeout, by the card's button.
    await one.locator(".chat__line[data-login=bobby] .chat__name").first.click()
    await picture(one, "card")
    await one.get_by_role("button", name="1 min").click()
    await expect(two.locator(".chat__line--gone")).to_have_count(1)
    await say(two, "but why")
    await expect(two.locator("[data-error]")).to_contain_text("timed out")
    await picture(one, "broadcaster")
    await picture(two, "viewer")


async def test_whatever_is_said_stays_text(web: Server, alice: User, bobby: User, contexts: Callable) -> None:  # type: ignore[type-arg]
    reader, writer = await contexts(web), await contexts(web, bobby)
    for page in (reader, writer):
        await page.goto(f"{web.url}/popout/{alice.username}/chat")
        await expect(page.locator("[data-chat-state]")).to_be_hidden()
    for number, text in enumerate(XSS, start=1):
        await say(writer, text)
        await expect(reader.locator(".chat__line[data-id]")).to_have_count(number)
    assert await reader.evaluate("window.pwned") is None
    assert await reader.locator(".chat__lines :is(script, iframe, svg, [onerror], [onload])").count() == 0
    links = await reader.locator(".chat__lines a").evaluate_all("links => links.map((a) => a.protocol)")
    assert set(links) <= {"https:", "http:"}
    assert await reader.locator(".chat__text").first.text_content() == XSS[0]


async def test_scrolling_up_stops_the_lines_and_counts_new_ones(
    web: Server,
    alice: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    page = await contexts(web, alice)
    await page.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    for number in range(40):
        await say(page, f"line {number}")
    await expect(page.locator(".chat__line[data-id]")).to_have_count(40)
    await page.locator("[data-lines]").evaluate("(list) => (list.scrollTop = 0)")
    other = await contexts(web, alice)
    await other.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(other.locator("[data-chat-state]")).to_be_hidden()
    await say(other, "while you were reading")
    more = page.locator("[data-more]")
    await expect(more).to_have_text("1 new message ↓")
    await more.click()
    await expect(page.locator(".chat__line").last).to_be_in_viewport()
    await expect(more).to_be_hidden()


async def test_tab_completes_and_the_up_arrow_brings_back(web: Server, alice: User, contexts: Callable) -> None:  # type: ignore[type-arg]
    page = await contexts(web, alice)
    await page.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(page, "first words")
    await expect(page.locator(".chat__line[data-id]")).to_have_count(1)
    box = page.locator("[data-composer] textarea")
    await box.press("ArrowUp")
    await expect(box).to_have_value("first words")
    await box.fill("look hrHea")
    await box.press("Tab")
    await expect(box).to_have_value("look hrHeart ")
    await box.fill("@alice")
    await box.press("Tab")
    await expect(box).to_have_value(f"@{alice.username} ")


async def test_the_page_comes_back_after_its_server_did(
    session_folder: Path,
    web: Server,
    alice: User,
    bobby: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    page = await contexts(web, bobby)
    await page.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(page, "before")
    await expect(page.locator(".chat__text")).to_have_text(["before"])
    await page.context.set_offline(True)
    await page.evaluate("document.querySelector('[data-chat]')")
    await page.context.set_offline(False)
    await say(page, "after")
    await expect(page.locator(".chat__text")).to_have_text(["before", "after"])


async def test_the_overlay_is_transparent_and_shows_what_is_said(
    web: Server,
    alice: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    overlay, page = await contexts(web), await contexts(web, alice)
    await overlay.goto(f"{web.url}/overlay/{alice.username}/chat")
    await page.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(page, "on air hrFire")
    await expect(overlay.locator(".chat__text")).to_have_count(1)
    with Image.open(io.BytesIO(await overlay.screenshot(omit_background=True))) as shown:
        assert shown.convert("RGBA").getpixel((640, 100)) == (0, 0, 0, 0)
    await picture(overlay, "overlay")
