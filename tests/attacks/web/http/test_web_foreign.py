"""A page of another site that makes the browser of somebody who is logged in change things here."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.web.app import create_app
from portal.web.middleware.csrf import SameOriginOnly
from tests.integration.access.asking import addresses
from tests.support import factories
from tests.support.servers.portal import free_port, log_in, new_context, serving
from tests.support.web.chromium import browser

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.attack(49)]

HOSTS = {
    # The cookie comes along from here: other ports of one machine are one site for browsers.
    "same-site": "127.0.0.1",
    "cross-site": "localhost",
}


# No answer may be read by another site, so each post fails for the page that sends it.
_POST_ALL = """
const sent = {method: 'POST', mode: 'no-cors', credentials: 'include', body: 'sure=yes',
              headers: {'content-type': 'application/x-www-form-urlencoded'}};
urls.reduce((before, url) => before.then(() => fetch(url, sent).catch(() => null)), Promise.resolve())
    .then(() => { document.title = 'done'; });
"""


TRIES = 5
"""A connection on which something was refused ends, and what a browser is about to send on it gets lost."""


@dataclass
class Watched:
    """Notes what an application answered to what was posted."""

    app: ASGIApp
    posts: list[tuple[str, int, bool]] = field(default_factory=list)
    """Address, status, and whether the cookie was there."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] == "POST":
                names = [name for name, _ in scope["headers"]]
                self.posts.append((scope["path"], message["status"], b"cookie" in names))
            await send(message)

        await self.app(scope, receive, send_noted)


@dataclass(frozen=True, kw_only=True)
class Victim:
    """A portal, and the browser of somebody who is logged in there."""

    url: str
    watched: Watched
    context: BrowserContext

    def is_logged_in(self) -> bool:
        page = self.context.new_page()
        page.goto(f"{self.url}/account")
        seen = page.url.startswith(f"{self.url}/account")
        page.close()
        return seen


@contextmanager
def portal(folder: Path, browser: Browser, *, defended: bool) -> Iterator[Victim]:
    """Serve a portal, as it is or without its same-origin check, and log somebody in."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    web = new_context(folder, site_url=url)
    with web.database.writing() as session:
        digits = factories.add_challenge(session)
        owner = factories.add_person(session, "Oda Organiser", is_staff=True)
        factories.add_organiser(session, digits, owner)
    app = create_app(web)
    if not defended:
        app.user_middleware = [one for one in app.user_middleware if not _is_the_check(one)]
    watched = Watched(app)
    context = browser.new_context()
    cookie = {
        "name": "sealrun", "value": log_in(web, owner.id), "url": url,
        "httpOnly": True, "sameSite": "Lax",
    }  # fmt: skip
    context.add_cookies([cookie])
    with serving(watched, port):
        yield Victim(url=url, watched=watched, context=context)
    context.close()
    web.database.engine.dispose()


def _is_the_check(one: Middleware) -> bool:
    return one.cls is SameOriginOnly


@contextmanager
def evil_site(html: str) -> Iterator[int]:
    """Serve one page that attacks; return its port."""

    def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(html)

    port = free_port()
    with serving(Starlette(routes=[Route("/", page)]), port):
        yield port


def _posting(urls: Sequence[str]) -> str:
    """Return a page that posts to every address without asking."""
    return f"<!doctype html><script>const urls = {json.dumps(urls)};{_POST_ALL}</script>"


def _form(url: str) -> str:
    return (
        f"<!doctype html><form method=post action='{url}'></form>"
        "<script>document.forms[0].submit()</script>"
    )


def _posts() -> list[str]:
    return [path for method, path in addresses() if method == "POST"]


def _filled(path: str) -> str:
    return path.replace("{slug}", "digits").replace("{provider}", "campus").replace("{id}", "1")


@pytest.mark.parametrize("kind", HOSTS)
def test_a_form_of_another_site_logs_nobody_out(
    tmp_path: Path, browser: Browser, kind: str
) -> None:
    with (
        portal(tmp_path, browser, defended=True) as victim,
        evil_site(_form(f"{victim.url}/logout")) as port,
    ):
        page = victim.context.new_page()
        page.goto(f"http://{HOSTS[kind]}:{port}/")
        page.wait_for_url(f"{victim.url}/**")

        assert "came from another site" in page.inner_text("main")
        assert victim.watched.posts == [("/logout", 403, kind == "same-site")]
        assert victim.is_logged_in()


def test_without_the_check_the_same_form_works(tmp_path: Path, browser: Browser) -> None:
    with (
        portal(tmp_path, browser, defended=False) as victim,
        evil_site(_form(f"{victim.url}/logout")) as port,
    ):
        page = victim.context.new_page()
        page.goto(f"http://{HOSTS['same-site']}:{port}/")
        page.wait_for_url(f"{victim.url}/**")

        assert victim.watched.posts == [("/logout", 303, True)]
        assert not victim.is_logged_in()


@pytest.mark.parametrize("kind", HOSTS)
def test_no_address_takes_what_another_site_posts(
    tmp_path: Path, browser: Browser, kind: str
) -> None:
    paths = [_filled(path) for path in _posts()]
    with (
        portal(tmp_path, browser, defended=True) as victim,
        evil_site(_posting([victim.url + path for path in paths])) as port,
    ):
        page = victim.context.new_page()
        for _ in range(TRIES):
            page.goto(f"http://{HOSTS[kind]}:{port}/")
            page.wait_for_function("document.title === 'done'")
            if {path for path, *_ in victim.watched.posts} == set(paths):
                break

        assert set(victim.watched.posts) == {(path, 403, kind == "same-site") for path in paths}
        assert victim.is_logged_in()
