"""The site's own modules in a real browser: a person's way from sign-up to a channel that can go live."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from bench.rig import Rig


@pytest.fixture(params=["uvicorn", "daphne"])
def address(request: pytest.FixtureRequest, rig: Rig) -> str:
    """Where the site is served: by each of the two servers."""
    served: str = request.getfixturevalue("daphne") if request.param == "daphne" else rig.url
    return served


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A person's first visit, on a phone, with a dark system."""
    context = browser.new_context(
        base_url=address, viewport={"width": 360, "height": 740}, color_scheme="dark", permissions=["clipboard-read"]
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: refuse(dialog, problems))
    yield page
    context.close()
    assert problems == []


def refuse(dialog: Dialog, problems: list[str]) -> None:
    """No page of ours opens the browser's own dialogs."""
    problems.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def sign_up(page: Page, login: str, *, email: str = "") -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Login").fill(login)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill("correct horse 9")
    page.get_by_label("Password again").fill("correct horse 9")
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def no_sideways_scrolling(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.fixture
def login() -> str:
    """Nobody's yet."""
    return f"new_{secrets.token_hex(4)}"


def test_from_sign_up_to_a_key_that_is_replaced_and_revoked(page: Page, login: str) -> None:
    sign_up(page, login)
    page.get_by_role("button", name="Make a stream key").click()
    field = page.get_by_label("Your new stream key")
    first = field.input_value()
    assert first.startswith("live_")

    page.get_by_role("button", name="Copy").last.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == first

    page.reload()
    expect(field).to_have_count(0)
    assert first not in page.content()

    page.get_by_role("button", name="Replace key").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(field).to_have_count(0)
    page.get_by_role("button", name="Replace key").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace key").click()
    assert field.input_value() != first

    page.get_by_role("button", name="Revoke key").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("You have no stream key.")).to_be_visible()
    assert no_sideways_scrolling(page)


def test_the_theme_follows_the_system_until_it_is_chosen_and_is_remembered(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto("/")
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert dark != light

    page.get_by_role("button", name="Switch to dark theme").click()
    assert page.evaluate(ground) == dark
    page.reload()
    assert page.evaluate(ground) == dark
    expect(page.get_by_role("button", name="Switch to light theme")).to_be_visible()


def test_the_account_menu_is_worked_by_keyboard(page: Page, login: str) -> None:
    sign_up(page, login)
    menu = page.get_by_label(f"Your account, {login}")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Settings")).to_be_hidden()
    expect(menu).to_be_focused()


def test_the_first_tab_leads_past_the_header(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize(
    "path", ["/", "/directory", "/directory/music", "/accounts/login/", "/accounts/signup/", "/nobody", "/search?q=a"]
)
def test_no_page_scrolls_sideways_on_a_phone(page: Page, path: str) -> None:
    page.goto(path)
    assert no_sideways_scrolling(page)
