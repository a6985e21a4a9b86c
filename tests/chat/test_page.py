"""The page's own client, in a real browser."""

from __future__ import annotations

import io
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone
from PIL import Image
from playwright.async_api import BrowserContext, Page, Route, WebSocketRoute, async_playwright, expect

from accounts.models import User
from chat.services import roles
from chat.services import settings as settings_of_room
from streaming import services
from streaming.models import Category
from tests.chat.conftest import Server, cookie_of

pytestmark = pytest.mark.django_db(transaction=True)

CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
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


async def test_whatever_is_said_stays_text(web: Server, alice: User, bobby: User, contexts: Callable) -> None:  # type: ignore[type-arg]
    reader, writer = await contexts(web, alice), await contexts(web, bobby)
    for page in (reader, writer):
        await page.goto(f"{web.url}/popout/{alice.username}/chat")
        await expect(page.locator("[data-chat-state]")).to_be_hidden()
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
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    late, mod = await contexts(web, bobby), await contexts(web, alice)
    for page in (late, mod):
        await page.goto(f"{web.url}/popout/{alice.username}/chat")
        await expect(page.locator("[data-chat-state]")).to_be_hidden()
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


async def test_a_raid_moves_the_pages_of_all_viewers(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    viewer, there, mod = await contexts(web), await contexts(web), await contexts(web, alice)
    for page, login in ((viewer, alice.username), (there, "bobby"), (mod, alice.username)):
        await page.goto(f"{web.url}/popout/{login}/chat")
        await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(mod, "/raid bobby")
    await expect(there.locator("[data-lines]")).to_contain_text(f"{alice.username} came with")
    for page in (viewer, mod):
        await expect(page).to_have_url(f"{web.url}/popout/bobby/chat", timeout=20_000)


async def test_the_desk_lets_a_held_message_through_and_undoes_a_ban(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    mod, viewer = await contexts(web, alice), await contexts(web, bobby)
    for page in (mod, viewer):
        await page.goto(f"{web.url}/popout/{alice.username}/chat")
        await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(viewer, "BUY " * 20)
    await expect(viewer.locator("[data-error]")).to_contain_text("moderator")
    await expect(mod.locator(".chat__desk-button--new")).to_be_visible()
    await mod.locator("[data-desk-button]").click()
    await mod.get_by_role("button", name="Allow").click()
    await expect(viewer.locator(".chat__text")).to_contain_text("BUY BUY")
    await mod.get_by_role("button", name="Close").last.click()
    await mod.locator(".chat__name").click()
    await mod.get_by_role("button", name="Ban", exact=True).click()
    await expect(viewer.locator(".chat__line--gone")).to_have_count(1)
    await mod.locator("[data-desk-button]").click()
    await mod.get_by_role("button", name="Undo").click()
    await expect(mod.locator("[data-actions]")).to_contain_text("(undone)")
    await picture(mod, "desk")
    await say(viewer, "thank you")
    await expect(viewer.locator(".chat__text").last).to_have_text("thank you")


async def test_following_does_not_interrupt_what_plays(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    page = await contexts(web, bobby)
    await page.goto(f"{web.url}/{alice.username}")
    await page.evaluate("window.before = true")
    button = page.get_by_role("button", name="Follow", exact=True)
    await button.click()
    following = page.get_by_role("button", name="Following")
    await expect(following).to_be_focused()
    await expect(following).to_have_attribute("title", "1 follower")
    await following.click()
    await expect(button).to_be_visible()
    assert await page.evaluate("window.before")


async def test_a_form_that_comes_back_leads_to_what_was_wrong(web: Server, alice: User, contexts: Callable) -> None:  # type: ignore[type-arg]
    page: Page = await contexts(web, alice)
    await page.goto(f"{web.url}/chat/{alice.username}/moderation")
    words = page.get_by_label("Words to block")
    await words.fill("x")
    await words.press("Enter")
    await expect(page.locator(".field__error")).to_contain_text("2 to 100 characters")
    await expect(words).to_be_focused()


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


async def test_a_replay_follows_its_video_through_jumps(web: Server, alice: User, contexts: Callable) -> None:  # type: ignore[type-arg]
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


async def test_a_replay_that_is_still_being_made_comes_by_itself(web: Server, alice: User, contexts: Callable) -> None:  # type: ignore[type-arg]
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


async def test_a_moderator_needs_no_mouse_and_stays_where_they_read(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    mod, viewer = await contexts(web, alice), await contexts(web, bobby)
    for page in (mod, viewer):
        await page.goto(f"{web.url}/popout/{alice.username}/chat")
        await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(viewer, "buy at (https://spam.example/a_(b).html), now!")
    link = mod.locator(".chat__link")
    await expect(link).to_have_text("https://spam.example/a_(b).html")
    for number in range(40):
        await say(mod, f"line {number}")
    await expect(mod.locator(".chat__line[data-id]")).to_have_count(41)
    await mod.keyboard.press("Shift+Tab")
    await expect(link).to_be_focused()
    await mod.keyboard.press("Shift+Tab")
    await expect(mod.locator("[data-lines]")).to_be_focused()
    for _ in range(41):
        await mod.keyboard.press("ArrowUp")
    await mod.keyboard.press("ArrowRight")
    await expect(mod.get_by_role("button", name="Reply to bobby")).to_be_focused()
    await mod.keyboard.press("ArrowLeft")
    await mod.keyboard.press("Enter")
    await mod.get_by_role("button", name="Pin message").press("Enter")
    await expect(viewer.locator("[data-pinned]")).to_contain_text("spam.example")
    await expect(viewer.get_by_role("button", name="Unpin")).to_be_hidden()
    await mod.keyboard.press("Enter")
    await mod.get_by_role("button", name="10 min").press("Enter")
    await expect(viewer.locator("[data-lines]")).to_contain_text("You were timed out for 600 s.")
    await expect(viewer.locator("[data-composer] [type=submit]")).to_have_text(re.compile(r"9:\d\d|10:00"))
    await expect(viewer.locator("[data-pinned]")).to_be_hidden()
    await expect(mod.locator("[data-more]")).to_be_visible()
    await picture(viewer, "timed-out")
    await say(mod, "/mod bobby")
    await expect(viewer.locator("[data-desk-button]")).to_be_visible()


async def test_slow_mode_counts_down(web: Server, alice: User, bobby: User, contexts: Callable) -> None:  # type: ignore[type-arg]
    page: Page = await contexts(web, bobby)
    await database_sync_to_async(settings_of_room.set_modes)(
        channel=alice.channel, by=alice, now=timezone.now(), slow_seconds=30
    )
    await page.clock.install()
    await page.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(page, "hello")
    send = page.locator("[data-composer] [type=submit]")
    await expect(send).to_have_text(re.compile(r"0:\d\d"))
    await page.clock.run_for(31_000)
    await expect(send).to_have_text("Send")


async def test_who_would_rather_stay_is_not_taken_along(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    page: Page = await contexts(web, alice)
    await page.clock.install()
    await page.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(page, "/raid bobby")
    await page.get_by_role("button", name="Stay here").click()
    await page.clock.run_for(30_000)
    await say(page, "still here")
    await expect(page.locator(".chat__text")).to_have_text(["still here"])


async def test_a_browser_that_keeps_nothing_has_a_chat_too(web: Server, alice: User, contexts: Callable) -> None:  # type: ignore[type-arg]
    page: Page = await contexts(web, alice)
    await page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })"
    )
    await page.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await page.get_by_role("button", name="Chat settings").click()
    await page.get_by_label("In step with the picture").check()
    await say(page, "hello")
    await expect(page.locator(".chat__text")).to_have_text(["hello"])


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
    await box.fill("/mark")
    await box.press("Tab")
    await expect(box).to_have_value("/marker ")


async def test_the_page_comes_back_with_what_it_missed_unless_it_was_asked_to_leave(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    page, other = await contexts(web, bobby), await contexts(web, alice)
    lines: list[WebSocketRoute] = []

    def through(line: WebSocketRoute) -> None:
        line.connect_to_server()
        lines.append(line)

    await page.route_web_socket("**/ws/chat/**", through)
    await page.clock.install()
    for one in (page, other):
        await one.goto(f"{web.url}/popout/{alice.username}/chat")
        await expect(one.locator("[data-chat-state]")).to_be_hidden()
    await say(page, "before")
    await expect(page.locator(".chat__text")).to_have_text(["before"])
    await lines[0].close(code=1012)
    await say(other, "while you were away")
    await expect(other.locator(".chat__text")).to_have_text(["before", "while you were away"])
    await expect(page.locator(".chat__text")).to_have_text(["before", "while you were away"])
    await say(page, "after")
    await expect(page.locator(".chat__text")).to_have_text(["before", "while you were away", "after"])
    await say(page, "/disconnect")
    await expect(page.locator("[data-chat-state]")).to_have_text("Disconnected")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.clock.run_for(60_000)
    assert len(lines) == 2


async def test_a_line_that_died_unnoticed_is_replaced_when_the_machine_wakes(
    web: Server,
    alice: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    page = await contexts(web, alice)
    lines: list[WebSocketRoute] = []

    def through(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        lines.append(line)
        if len(lines) == 1:
            line.on_message(lambda text: None if "ping" in text else server.send(text))

    await page.route_web_socket("**/ws/chat/**", through)
    await page.clock.install()
    await page.goto(f"{web.url}/popout/{alice.username}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.clock.run_for(6_000)
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(page, "here again")
    await expect(page.locator(".chat__text")).to_have_text(["here again"])
    assert len(lines) == 2


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


async def test_a_page_follows_what_its_stream_does_without_asking(
    web: Server,
    alice: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    _, key = await database_sync_to_async(services.issue_key)(channel_id=alice.channel.pk, now=timezone.now())
    await Category.objects.aget_or_create(name="Music", slug="music")
    page: Page = await contexts(web)
    await page.goto(f"{web.url}/{alice.username}")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await expect(page.locator("[data-only-offline]")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await database_sync_to_async(services.set_stream_info)(channel_id=alice.channel.pk, title="Soon", category="music")
    await expect(page.locator("[data-title]")).to_have_text("Soon")
    await expect(page.locator("[data-category]")).to_have_text("Music")
    assert asked == []
    await page.evaluate(
        """() => document.querySelector("[data-channel]").addEventListener("broadcastchange", (event) => {
            document.body.dataset.saw ??= event.detail.state;
        })"""
    )
    await database_sync_to_async(services.find_or_begin_broadcast)(key=key, ingest="i", now=timezone.now())
    await expect(page.locator("body")).to_have_attribute("data-saw", "live")  # the player looks for it, if in vain
    await database_sync_to_async(services.set_stream_info)(
        channel_id=alice.channel.pk, title="Now & here", tags=["calm"]
    )
    await expect(page).to_have_title(f"{alice.username}: Now & here · Headrace")
    await expect(page.locator("[data-tags] .tag")).to_have_text(["calm"])


async def test_a_follower_hears_on_another_page_that_a_channel_went_live(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Callable,  # type: ignore[type-arg]
) -> None:
    _, key = await database_sync_to_async(services.issue_key)(channel_id=alice.channel.pk, now=timezone.now())
    await database_sync_to_async(services.set_stream_info)(channel_id=alice.channel.pk, title="<b>Night</b> owls")
    await database_sync_to_async(roles.follow)(channel=alice.channel, user=bobby, now=timezone.now())
    page: Page = await contexts(web, bobby)
    async with page.expect_event("websocket", lambda socket: socket.url.endswith("/ws/notices/")):
        await page.goto(f"{web.url}/directory")
    await page.evaluate("fetch('/healthz')")  # an answer later the socket, asked for before, is open too
    await database_sync_to_async(services.find_or_begin_broadcast)(key=key, ingest="i", now=timezone.now())
    toast = page.locator(".toast")
    await expect(toast).to_contain_text(f"{alice.username} is live: <b>Night</b> owls")
    await picture(page, "toast")
    await toast.get_by_role("link").click()
    await expect(page).to_have_url(f"{web.url}/{alice.username}")
