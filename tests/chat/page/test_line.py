"""The line to the server: lost, dead, given up."""

from __future__ import annotations

import pytest
from playwright.async_api import WebSocketRoute, expect

from accounts.models import User
from tests.chat.conftest import Server
from tests.chat.page.conftest import Contexts, enter, say

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_page_comes_back_with_what_it_missed_unless_it_was_asked_to_leave(
    web: Server,
    alice: User,
    bobby: User,
    contexts: Contexts,
) -> None:
    page, other = await contexts(web, bobby), await contexts(web, alice)
    lines: list[WebSocketRoute] = []

    def through(line: WebSocketRoute) -> None:
        line.connect_to_server()
        lines.append(line)

    await page.route_web_socket("**/ws/chat/**", through)
    await page.clock.install()
    for one in (page, other):
        await enter(one, web, alice.username)
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
    contexts: Contexts,
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
    await enter(page, web, alice.username)
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.clock.run_for(6_000)
    await expect(page.locator("[data-chat-state]")).to_be_hidden()
    await say(page, "here again")
    await expect(page.locator(".chat__text")).to_have_text(["here again"])
    assert len(lines) == 2
