"""The page's own client, in a real browser."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from accounts.models import User
from bench.browser import ARGUMENTS, chromium
from tests.chat.conftest import Server, cookie_of

Contexts = Callable[..., Awaitable[Page]]
"""`await contexts(server, user)` answers a page of that user, or of a stranger."""


@pytest.fixture
async def contexts() -> AsyncIterator[Contexts]:
    """Makes pages, each in a browser context of its own."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))

        async def make(server: Server, user: User | None = None) -> Page:
            context: BrowserContext = await browser.new_context(viewport={"width": 1280, "height": 800})
            if user is not None:
                name, _, value = (await database_sync_to_async(cookie_of)(user)).partition("=")
                assert name == settings.SESSION_COOKIE_NAME
                await context.add_cookies([{"name": name, "value": value, "url": server.url}])
            return await context.new_page()

        yield make
        await browser.close()


async def enter(page: Page, web: Server, login: str) -> None:
    """Opens a channel's room in a page of its own; returns once it is connected."""
    await page.goto(f"{web.url}/popout/{login}/chat")
    await expect(page.locator("[data-chat-state]")).to_be_hidden()


async def say(page: Page, text: str) -> None:
    await page.locator("[data-composer] textarea").fill(text)
    await page.keyboard.press("Enter")


async def picture(page: Page, name: str) -> None:
    """A screenshot for a person to look at, where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")
