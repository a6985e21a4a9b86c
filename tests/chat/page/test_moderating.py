"""What moderators do on the page, and what others see of it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from accounts.models import User
from tests.chat.conftest import Server
from tests.chat.page.conftest import Contexts, enter, picture, say

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_desk_lets_a_held_message_through_and_undoes_a_ban(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Contexts,
) -> None:
    mod, viewer = await contexts(web, alice), await contexts(web, bobby)
    for page in (mod, viewer):
        await enter(page, web, alice.username)
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


async def test_a_moderator_needs_no_mouse_and_stays_where_they_read(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Contexts,
) -> None:
    mod, viewer = await contexts(web, alice), await contexts(web, bobby)
    for page in (mod, viewer):
        await enter(page, web, alice.username)
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


async def test_a_form_that_comes_back_leads_to_what_was_wrong(web: Server, alice: User, contexts: Contexts) -> None:
    page: Page = await contexts(web, alice)
    await page.goto(f"{web.url}/chat/{alice.username}/moderation")
    words = page.get_by_label("Words to block")
    await words.fill("x")
    await words.press("Enter")
    await expect(page.locator(".field__error")).to_contain_text("2 to 100 characters")
    await expect(words).to_be_focused()


async def test_a_raid_moves_the_pages_of_all_viewers(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Contexts,
) -> None:
    viewer, there, mod = await contexts(web), await contexts(web), await contexts(web, alice)
    for page, login in ((viewer, alice.username), (there, "bobby"), (mod, alice.username)):
        await enter(page, web, login)
    await say(mod, "/raid bobby")
    await expect(there.locator("[data-lines]")).to_contain_text(f"{alice.username} came with")
    for page in (viewer, mod):
        await expect(page).to_have_url(f"{web.url}/popout/bobby/chat", timeout=20_000)


async def test_who_would_rather_stay_is_not_taken_along(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Contexts,
) -> None:
    page: Page = await contexts(web, alice)
    await page.clock.install()
    await enter(page, web, alice.username)
    await say(page, "/raid bobby")
    await page.get_by_role("button", name="Stay here").click()
    await page.clock.run_for(30_000)
    await say(page, "still here")
    await expect(page.locator(".chat__text")).to_have_text(["still here"])
