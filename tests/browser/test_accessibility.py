"""Every page, light and dark, narrow and wide: axe finds nothing, nothing sticks out."""

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.screenshots import SCHEMES, WIDTHS
from tests.support.web.chromium import watch
from tests.support.web.served_scene import Site, log_in, pages

pytestmark = pytest.mark.browser

RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_on_any_page(
    browser: Browser, served: Site, width: int, scheme: str
) -> None:
    found = {}
    for viewer in (None, "ada", "new", "staff"):
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        log_in(context, served, viewer)
        page = context.new_page()
        for name, (who, path) in pages(served.scene).items():
            if who == viewer and (problems := _problems(page, served, path)):
                found[name] = problems
        context.close()

    assert found == {}


def test_axe_would_find_something(browser: Browser, served: Site) -> None:
    page = browser.new_page()
    page.goto(served.url)
    page.evaluate("document.querySelector('h1').innerHTML = '<img src=x>'")

    violations = Axe().run(page, options=RULES).response["violations"]

    assert "image-alt" in {violation["id"] for violation in violations}
    page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_a_form_with_errors(
    browser: Browser, served: Site, scheme: str
) -> None:
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", java_script_enabled=True
    )
    log_in(context, served, "ada")
    page = context.new_page()
    page.goto(f"{served.url}/challenges/digits/submit")
    page.evaluate("document.querySelector('form.form').noValidate = true")
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_selector("#errors")

    violations = Axe().run(page, options=RULES).response["violations"]

    assert [v["id"] for v in violations] == []
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


@pytest.mark.parametrize("name", ["home", "overview", "leaderboard", "submit", "submission-scored"])
def test_each_page_has_one_main_heading_and_no_gap_in_the_levels(
    browser: Browser, served: Site, name: str
) -> None:
    who, path = pages(served.scene)[name]
    context = browser.new_context()
    log_in(context, served, who)
    page = context.new_page()
    page.goto(served.url + path)

    levels = [
        int(tag[1])
        for tag in page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(each => each.tagName)"
        )
    ]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    context.close()


def _problems(page: Page, served: Site, path: str) -> list[str]:
    complaints = watch(page, served.url)
    page.goto(served.url + path)
    _open_everything(page)
    violations = Axe().run(page, options=RULES).response["violations"]
    return [
        *(f"{found['id']}: {found['nodes'][0]['html'][:120]}" for found in violations),
        *_sticking_out(page),
        # That the page itself tells of a failure is what it is for.
        *(
            text
            for text in complaints
            if "status of 404" not in text and "status of 400" not in text
        ),
    ]


def _open_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


def _sticking_out(page: Page) -> list[str]:
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"sticks out by {wide} px"] if wide > 0 else []
