"""Debian's Chromium, driven by Playwright."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.support.patience import PATIENCE
from tests.support.required import required

PROGRAM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE_MS = 1000 * PATIENCE
# Only a fault may take a page so long, not a busy machine.
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=list(ARGUMENTS))
        _make_patient(browser)
        try:
            yield browser
        finally:
            browser.close()


def _make_patient(browser: Browser) -> None:
    """Have every page wait as long as a busy machine may need: Playwright has no such setting for all of them."""

    def waiting(make: Callable[..., BrowserContext | Page]) -> Callable[..., BrowserContext | Page]:
        def made(**options: object) -> BrowserContext | Page:
            new = make(**options)
            new.set_default_timeout(PATIENCE_MS)
            return new

        return made

    browser.new_context = waiting(browser.new_context)  # type: ignore[method-assign,assignment]
    browser.new_page = waiting(browser.new_page)  # type: ignore[method-assign,assignment]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    required("Debian's Chromium", PROGRAM.exists())
    with chromium() as running:
        yield running


def watch(page: Page, url: str) -> list[str]:
    """Collect what the browser complains about on our pages: scripts, or what the policy forbids."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and message.location["url"].startswith(url):
            complaints.append(message.text)

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", note)
    return complaints
