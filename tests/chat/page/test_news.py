"""What pages are told of streams, and following them."""

from __future__ import annotations

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone
from playwright.async_api import Page, expect

from accounts.models import User
from chat.services import roles
from streaming import services
from streaming.models import Category
from tests.chat.conftest import Server
from tests.chat.page.conftest import Contexts, picture

pytestmark = pytest.mark.django_db(transaction=True)


async def test_following_does_not_interrupt_what_plays(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Contexts,
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


async def test_a_page_follows_what_its_stream_does_without_asking(
    web: Server,
    alice: User,
    contexts: Contexts,
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
    contexts: Contexts,
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
