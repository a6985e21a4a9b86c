"""What axe-core finds on the main pages, in both colour schemes: names of controls, contrast, structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.browser import until
from bench.rig import BASE_DIR, Rig
from tests.e2e.conftest import FILMED
from tests.vods.recorded import PASSWORD

AXE = BASE_DIR / "node_modules" / "axe-core" / "axe.min.js"
# media-chrome names its clock without the time that it shows.
FIND = """
axe.run({exclude: "media-time-display"}, {resultTypes: ["violations"]}).then(({violations}) =>
  violations.map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(" ")).join(", ")}`))
"""
OPEN = ["/", "/directory", "/search?q=picture", "/accounts/login/", "/accounts/signup/", f"/{FILMED}"]
OPEN += [f"/{FILMED}/videos", f"/{FILMED}/clips", "/nobody_here", "/videos/{video}"]
OWN = ["/dashboard", "/dashboard/go-live", "/dashboard/videos", "/dashboard/videos/{video}", "/settings", "/following"]
OWN += [f"/chat/{FILMED}/moderation", "/videos/{video}"]


@pytest.fixture(params=["dark", "light"])
def page(request: pytest.FixtureRequest, browser: Browser, rig: Rig) -> Iterator[Page]:
    if not AXE.exists():
        pytest.skip("axe-core is not there: npm ci")
    context = browser.new_context(base_url=rig.url, color_scheme=request.param, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def found(page: Page, address: str) -> dict[str, Any]:
    """By address, so that a failure says where."""
    page.goto(address)
    if page.locator("[data-player]").count():
        until(page, "Boolean(customElements.get('media-controller'))")
    page.evaluate(AXE.read_text())
    problems = page.evaluate(FIND)
    return {address: problems} if problems else {}


def test_pages_for_everybody(page: Page, video: str) -> None:
    problems: dict[str, Any] = {}
    for address in OPEN:
        problems |= found(page, address.format(video=video))
    assert problems == {}


def test_pages_of_a_streamer(page: Page, video: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Login").fill(FILMED)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_label(f"Your account, {FILMED}")).to_be_visible()
    problems: dict[str, Any] = {}
    for address in OWN:
        problems |= found(page, address.format(video=video))
    assert problems == {}
