"""What people see who talk, and who only read."""

from __future__ import annotations

import io
import re

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone
from PIL import Image
from playwright.async_api import Page, expect

from accounts.models import User
from chat.services import settings as settings_of_room
from tests.chat.conftest import Server
from tests.chat.page.conftest import Contexts, enter, picture, say

pytestmark = pytest.mark.django_db(transaction=True)

XSS = [
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "javascript:window.pwned=1",
    'https://x.example/"onmouseover="window.pwned=1',
    "https://x.example/'onclick='window.pwned=1",
    "https://x.example/<script>window.pwned=1</script>",
    "http://javascript:window.pwned=1//x",
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1} `${window.pwned=1}`",
    "<svg/onload=window.pwned=1> @<b>you</b> hrHeart<iframe>",
    "hrHeart\" onerror=\"window.pwned=1 hrHeart' onerror='window.pwned=1",
    "\u202e<a href='javascript:window.pwned=1'>x</a>",
    "</textarea></span></li><script>window.pwned=1</script>",
    "<!--<img src=x onerror=window.pwned=1>--> ]]><math><mi/xlink:href=data:x,pwned>",
    "@bobby<img src=x onerror=window.pwned=1> @bobby&lt;img src=x onerror=window.pwned=1&gt;",
    '"],"type":"clear","user":null,"messages":[{"type":"message"',
    "/me <img src=x onerror=window.pwned=1>",
    "data:text/html,<script>window.pwned=1</script> vbscript:window.pwned=1 \x00\x1b[31m",
]
"""Tried as a message; each is one line of the log, and text."""


async def test_two_people_talk(web: Server, second_web: Server, alice: User, bobby: User, contexts: Contexts) -> None:
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
    # A reply, by the line's button.
    await one.get_by_role("button", name="Reply to bobby").click()
    await say(one, "thank you")
    await expect(two.locator(".chat__quote")).to_contain_text("bobby: hello")
    # A timeout, by the card's button.
    await one.locator(".chat__line[data-login=bobby] .chat__name").first.click()
    await picture(one, "card")
    await one.get_by_role("button", name="1 min").click()
    await expect(two.locator(".chat__line--gone")).to_have_count(1)
    await expect(two.locator(".chat__quote")).to_have_text("↪ message deleted")
    await say(two, "but why")
    await expect(two.locator("[data-error]")).to_contain_text("timed out")
    await picture(one, "broadcaster")
    await picture(two, "viewer")


async def test_whatever_is_said_stays_text(web: Server, alice: User, bobby: User, contexts: Contexts) -> None:
    reader, writer = await contexts(web, alice), await contexts(web, bobby)
    for page in (reader, writer):
        await enter(page, web, alice.username)
    for number, text in enumerate(XSS, start=1):
        await say(writer, text)
        await expect(reader.locator(".chat__line[data-id]")).to_have_count(number)
    # The same words where else they are shown: quoted, announced, pinned, in the card, whispered, at the desk.
    evil = XSS[1]
    await reader.get_by_role("button", name="Reply to bobby").nth(1).click()
    await say(reader, "what is this?")
    await expect(reader.locator(".chat__quote")).to_contain_text(evil)
    await say(reader, f"/announce {evil}")
    await expect(reader.locator(".chat__line--announcement")).to_contain_text(evil)
    await reader.locator(".chat__line[data-login=bobby] .chat__name").nth(1).click()
    await expect(reader.locator("[data-card-said]")).to_contain_text(XSS[13])
    await reader.get_by_role("button", name="Pin message").click()
    await expect(writer.locator("[data-pinned]")).to_contain_text(evil)
    await say(writer, f"/w {alice.username} {evil}")
    await expect(reader.locator(".chat__line--whisper")).to_contain_text(evil)
    await say(reader, f"/timeout bobby 600 {evil}")
    await reader.locator("[data-desk-button]").click()
    await expect(reader.locator("[data-actions]")).to_contain_text(evil)
    for page in (reader, writer):
        assert await page.evaluate("window.pwned") is None
        made = page.locator(".chat :is(script, iframe, svg, math, b, [onerror], [onload], [onclick], [onmouseover])")
        assert await made.count() == 0
        links = await page.locator(".chat__lines a").evaluate_all("links => links.map((a) => a.protocol)")
        assert set(links) <= {"https:", "http:"}


async def test_a_message_waits_for_the_picture_and_what_is_taken_away_is_never_shown(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Contexts,
) -> None:
    late, mod = await contexts(web, bobby), await contexts(web, alice)
    for page in (late, mod):
        await enter(page, web, alice.username)
    # A player that is an hour behind: nothing is due while the test runs.
    tell = "(s) => document.dispatchEvent(new CustomEvent('playbackprogress', { detail: { latency: s } }))"
    await late.evaluate(tell, 3_600)
    await say(mod, "goal!")
    await say(mod, "a mistake")
    await expect(mod.locator(".chat__line[data-id]")).to_have_count(2)
    await say(late, "mine")
    await expect(late.locator(".chat__text")).to_have_text(["mine"])
    await mod.locator(".chat__name").nth(1).click()
    await mod.get_by_role("button", name="Delete message").click()
    await expect(mod.locator(".chat__line--gone")).to_have_count(1)
    await say(mod, "still to come")
    await expect(mod.locator(".chat__line[data-id]")).to_have_count(4)
    await late.evaluate(tell, 0)
    await expect(late.locator(".chat__text")).to_have_text(["mine", "goal!", "still to come"])


async def test_scrolling_up_stops_the_lines_and_counts_new_ones(
    web: Server,
    alice: User,
    contexts: Contexts,
) -> None:
    page = await contexts(web, alice)
    await enter(page, web, alice.username)
    for number in range(40):
        await say(page, f"line {number}")
    await expect(page.locator(".chat__line[data-id]")).to_have_count(40)
    await page.locator("[data-lines]").evaluate("(list) => (list.scrollTop = 0)")
    other = await contexts(web, alice)
    await enter(other, web, alice.username)
    await say(other, "while you were reading")
    more = page.locator("[data-more]")
    await expect(more).to_have_text("1 new message ↓")
    await more.click()
    await expect(page.locator(".chat__line").last).to_be_in_viewport()
    await expect(more).to_be_hidden()


async def test_tab_completes_and_the_up_arrow_brings_back(web: Server, alice: User, contexts: Contexts) -> None:
    page = await contexts(web, alice)
    await enter(page, web, alice.username)
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
    await box.fill("/mark")
    await box.press("Tab")
    await expect(box).to_have_value("/marker ")


async def test_emotes_are_chosen_by_mouse_and_by_keyboard(web: Server, alice: User, contexts: Contexts) -> None:
    page = await contexts(web, alice)
    await enter(page, web, alice.username)
    opener = page.get_by_role("button", name="Emotes")
    await opener.click()
    await page.get_by_role("button", name="hrWave").click()
    await expect(page.locator("[data-composer] textarea")).to_have_value("hrWave ")
    await page.get_by_role("button", name="hrHeart").press("Enter")
    await expect(page.locator("[data-composer] textarea")).to_have_value("hrWave hrHeart ")
    await picture(page, "picker")
    await page.get_by_role("button", name="hrHeart").press("Escape")
    await expect(page.locator("[data-picker]")).to_be_hidden()
    await expect(opener).to_be_focused()
    await expect(opener).to_have_attribute("aria-expanded", "false")


async def test_slow_mode_counts_down(web: Server, alice: User, bobby: User, contexts: Contexts) -> None:
    page: Page = await contexts(web, bobby)
    await database_sync_to_async(settings_of_room.set_modes)(
        channel=alice.channel, by=alice, now=timezone.now(), slow_seconds=30
    )
    await page.clock.install()
    await enter(page, web, alice.username)
    await say(page, "hello")
    send = page.locator("[data-composer] [type=submit]")
    await expect(send).to_have_text(re.compile(r"0:\d\d"))
    await page.clock.run_for(31_000)
    await expect(send).to_have_text("Send")


async def test_a_browser_that_keeps_nothing_has_a_chat_too(web: Server, alice: User, contexts: Contexts) -> None:
    page: Page = await contexts(web, alice)
    await page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })"
    )
    await enter(page, web, alice.username)
    await page.get_by_role("button", name="Chat settings").click()
    await page.get_by_label("In step with the picture").check()
    await say(page, "hello")
    await expect(page.locator(".chat__text")).to_have_text(["hello"])


async def test_the_overlay_is_transparent_and_shows_what_is_said(
    web: Server,
    alice: User,
    contexts: Contexts,
) -> None:
    overlay, page = await contexts(web), await contexts(web, alice)
    await overlay.goto(f"{web.url}/overlay/{alice.username}/chat")
    await enter(page, web, alice.username)
    await say(page, "on air hrFire")
    await expect(overlay.locator(".chat__text")).to_have_count(1)
    with Image.open(io.BytesIO(await overlay.screenshot(omit_background=True))) as shown:
        assert shown.convert("RGBA").getpixel((640, 100)) == (0, 0, 0, 0)
    await picture(overlay, "overlay")
