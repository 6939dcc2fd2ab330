"""Whether everybody can use a page: axe finds nothing, and nothing is wider than the window."""

from collections.abc import Sequence

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that a dark page can break where the same page in light does not."""

_INJECTED = "typeof axe !== 'undefined'"
_OPEN = "document.querySelectorAll('details').forEach(each => { each.open = true })"
_RUN = """options => axe.run(options).then(found => found.violations.map(
    each => `${each.id}: ${each.nodes[0].html.slice(0, 120)}`
))"""
_EXCESS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def assert_accessible(page: Page) -> None:
    """Check that everybody can use a page as it looks now, with everything on it opened."""
    open_everything(page)
    assert problems(page) == [], page.url


def problems(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe finds on a page as it looks now, and whether it is wider than the window."""
    excess = page.evaluate(_EXCESS)
    return [*violations(page, rules), *([f"sticks out by {excess} px"] if excess > 0 else [])]


def look(page: Page, *, scheme: str, width: int | None = None) -> None:
    """Have a page that may be loaded already shown light or dark, and at a width."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    if width is not None:
        page.set_viewport_size({"width": width, "height": 800})


def open_everything(page: Page) -> None:
    """Open what can be opened, so that it is looked at as well."""
    page.evaluate(_OPEN)


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe finds on a page, the rule first: by some rules, or by all of the standards."""
    if not page.evaluate(_INJECTED):
        page.evaluate(AXE_SCRIPT)
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": STANDARDS}
    # What holds is most of the page, and is not asked for.
    options = {"runOnly": only, "resultTypes": ["violations"]}
    found: list[str] = page.evaluate(_RUN, options)
    return found
