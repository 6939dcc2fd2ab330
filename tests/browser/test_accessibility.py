"""Every page, light and dark, narrow and wide: axe finds nothing, nothing sticks out."""

from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.accessible import (
    COLOURS,
    assert_accessible,
    look,
    open_everything,
    problems,
    violations,
)
from tests.browser.screenshots import SCHEMES, WIDTHS
from tests.support.web.chromium import watch
from tests.support.web.served_scene import Site, log_in, pages

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXPECTED = ("status of 400", "status of 404")
"""What a browser says of pages that tell of a failure, as they should."""


@pytest.mark.parametrize("viewer", [None, "ada", "new", "staff"])
def test_axe_finds_nothing_on_any_page(browser: Browser, served: Site, viewer: str | None) -> None:
    # What moves without end is drawn without end.
    context = browser.new_context(reduced_motion="reduce")
    log_in(context, served, viewer)
    page = context.new_page()
    complaints = watch(page, served.url)
    found = {
        name: _problems(page, served.url + path)
        for name, (who, path) in pages(served.scene).items()
        if who == viewer
    }
    context.close()

    assert found
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert [text for text in complaints if not any(one in text for one in EXPECTED)] == []


def test_axe_would_find_something(browser: Browser, served: Site) -> None:
    page = browser.new_page()
    page.goto(served.url)
    page.evaluate("document.querySelector('h1').innerHTML = '<img src=x>'")

    assert "image-alt" in {one.partition(":")[0] for one in violations(page)}
    page.close()


def test_axe_finds_nothing_on_a_form_with_errors(browser: Browser, served: Site) -> None:
    context = browser.new_context()
    log_in(context, served, "ada")
    page = context.new_page()
    page.goto(f"{served.url}/challenges/digits/submit")
    page.evaluate("document.querySelector('form.form').noValidate = true")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_selector("#errors")

    for scheme in SCHEMES:
        look(page, scheme=scheme)
        assert_accessible(page)
    assert page.evaluate("document.activeElement.id") == "errors"
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_keyboard_reaches_the_content_first(browser: Browser, served: Site, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(f"{served.url}/challenges/digits/leaderboard")

    page.keyboard.press("Tab")
    skip = page.locator(":focus").inner_text()
    page.keyboard.press("Enter")
    landed = page.evaluate("document.activeElement.id")
    page.keyboard.press("Tab")

    assert skip == "Skip to the content"
    assert landed == "main"
    assert page.evaluate("document.activeElement.closest('main') !== null")
    context.close()


@pytest.mark.parametrize("path", ["retention", "leaderboard", "submissions"])
def test_a_narrow_page_has_its_tabs_in_one_line_with_the_current_one_in_view(
    browser: Browser, served: Site, path: str
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 700})
    log_in(context, served, "staff")
    page = context.new_page()
    page.goto(f"{served.url}/challenges/digits/{path}")

    tabs, current = page.locator(".tabs ul"), page.locator(".tabs [aria-current]")
    heights = {
        round(box["height"]) for box in (tab.bounding_box() for tab in tabs.locator("a").all())
    }
    line, place = tabs.bounding_box(), current.bounding_box()

    assert len(heights) == 1
    assert line["height"] < 2 * place["height"]
    assert tabs.evaluate("each => each.scrollWidth > each.clientWidth")
    assert line["x"] <= place["x"]
    assert place["x"] + place["width"] <= line["x"] + line["width"] + 1
    # Nothing but what scrolls in its own box is wider than the page.
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    shades = page.locator(".scroll").first.evaluate(
        "each => getComputedStyle(each).backgroundAttachment"
    )
    assert shades == "local, local, scroll, scroll, scroll"
    context.close()


def _problems(page: Page, url: str) -> list[str]:
    """Load a page and look at it in every way; what is dark differs in its colours only."""
    # Narrow at first, as a telephone loads it: its tabs begin where the current one is in view.
    look(page, width=min(WIDTHS), scheme="light")
    page.goto(url)
    open_everything(page)
    found = _headings(page)
    for width in sorted(WIDTHS):
        for scheme, rules in (("light", ()), ("dark", COLOURS)):
            look(page, width=width, scheme=scheme)
            found += [f"{width} {scheme}: {one}" for one in problems(page, rules)]
    return found


def _headings(page: Page) -> list[str]:
    """Look for one main heading, which is the first, and for gaps between the levels."""
    levels = [
        int(tag[1])
        for tag in page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(each => each.tagName)"
        )
    ]
    is_well = (
        levels.count(1) == 1 and levels[0] == 1 and all(b - a <= 1 for a, b in pairwise(levels))
    )
    return [] if is_well else [f"headings of the levels {levels}"]
