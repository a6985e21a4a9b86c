"""Headless Chromium, and the player's page in it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
"""`--no-sandbox` because Chromium refuses its sandbox to root, who runs the tests in a container."""
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"


def chromium() -> str | None:
    """Where the machine's own Chromium is, if it has one."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@contextlib.contextmanager
def launched(*extra: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, *extra])
        try:
            yield browser
        finally:
            browser.close()


def until(page: Page, expression: str, *, seconds: float = 10.0) -> Any:
    """The first true value of a JavaScript expression.

    Playwright's own `wait_for_function` evaluates a string inside the page, which the site's CSP rightly forbids.
    """
    deadline = time.monotonic() + seconds
    while not (value := page.evaluate(expression)):
        if time.monotonic() > deadline:
            state = page.evaluate("document.querySelector('[data-player]')?.dataset.state")
            raise TimeoutError(f"{expression} was not true within {seconds} s; the player is {state}")
        page.wait_for_timeout(20)
    return value


def choose_quality(page: Page, name: str) -> None:
    """Presses an entry of the quality menu, once the controls are there."""
    until(page, "Boolean(customElements.get('media-chrome-menu-item'))")
    page.evaluate(
        "name => document.querySelector(`[data-qualities] media-chrome-menu-item[value='${name}']`).click()", name
    )


def qualities(page: Page) -> dict[str, str]:
    """The entries of the quality menu, value to label, in their order."""
    entries: list[tuple[str, str]] = page.evaluate(
        "[...document.querySelectorAll('[data-qualities] media-chrome-menu-item')]"
        ".map(item => [item.getAttribute('value'), item.textContent])"
    )
    return dict(entries)


def statistics(page: Page) -> dict[str, str]:
    """What the statistics overlay says, while it is shown."""
    entries: list[tuple[str, str]] = page.evaluate(
        "[...document.querySelectorAll('[data-stat]')].map(cell => [cell.dataset.stat, cell.textContent])"
    )
    return dict(entries)
