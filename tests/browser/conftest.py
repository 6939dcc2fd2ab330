"""A served site, an identity provider and a browser.

The browser lives as long as one module: Playwright holds the thread's event loop, and other modules need it.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests import identity_provider
from tests.browser.chromium import PROGRAM, chromium
from tests.browser.screenshots import Site, Template, site, template
from tests.identity_provider import IdentityProvider
from tests.required import required

# Only a fault may take a page so long, not a busy machine.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    required("Debian's Chromium", PROGRAM.exists())
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def login_provider() -> Iterator[IdentityProvider]:
    with identity_provider.running() as running:
        yield running


@pytest.fixture(scope="session")
def scene_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
    scene_template: Template,
    login_provider: IdentityProvider,
) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), scene_template, login_provider.issuer) as running:
        yield running


def log_in(context: BrowserContext, served: Site, who: str | None) -> None:
    """Give a browser the cookie of somebody who is logged in."""
    if who is not None:
        context.add_cookies([{"name": "sealrun", "value": served.cookies[who], "url": served.url}])


def watch(page: Page, url: str) -> list[str]:
    """Collect what the browser complains about on our pages: scripts, or what the policy forbids."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and message.location["url"].startswith(url):
            complaints.append(message.text)

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", note)
    return complaints
