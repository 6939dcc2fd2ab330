"""Texts that would act if a page let them: everywhere where somebody can write something.

A listener on this machine hears every script that runs, whatever it does to the page. That the
texts work is seen first on a page that shows them as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from sqlalchemy import String, Text, inspect, select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from portal.db.engine import open_database
from portal.db.tables import (
    ApiToken,
    Attempt,
    Base,
    Challenge,
    Column,
    Download,
    Evaluation,
    Event,
    ExtraTries,
    LoginSession,
    Participation,
    Person,
    Phase,
    Question,
    RunLog,
    Submission,
    Team,
)
from portal.db.tables import Page as ChallengePage
from tests.support.servers.portal import free_port, serving
from tests.support.web.chromium import browser
from tests.support.web.served_scene import (
    Site,
    log_in,
    login_provider,
    pages,
    scene_template,
    served,
)

__all__ = ["browser", "login_provider", "scene_template", "served"]

pytestmark = [pytest.mark.browser, pytest.mark.attack(50)]

PAYLOADS = (
    "<script src=//HOST/N></script>",
    "<script>fetch('//HOST/N')</script>",
    "<img src=x onerror=fetch('//HOST/N')>",
    "\"><img src=x onerror=fetch('//HOST/N')>",
    "'><svg onload=fetch('//HOST/N')>",
    "<details open ontoggle=fetch('//HOST/N')>",
    "<iframe srcdoc=\"<script src='http://HOST/N'></script>\">",
    "<iframe src=\"javascript:fetch('http://HOST/N')\">",
    "<object data=//HOST/N></object>",
    "<style>@import'//HOST/N'</style>",
    "<link rel=stylesheet href=//HOST/N>",
    "<body background=//HOST/N>",
    "<video><source onerror=fetch('//HOST/N')></video>",
    "<input autofocus onfocus=fetch('//HOST/N')>",
    "</textarea></title><script>fetch('//HOST/N')</script>",
)
MARKDOWN = (
    "[a](javascript:fetch('//HOST/N'))",
    "[a](data:text/html,<script>fetch('//HOST/N')</script>)",
    "![a](//HOST/N)",
    "[a]: javascript:fetch('//HOST/N')\n[a]",
    "<javascript:fetch('//HOST/N')>",
    "[a](JaVaScRiPt&colon;fetch('//HOST/N'))",
    "`<script>fetch('//HOST/N')</script>`",
    r"$\href{javascript:fetch('//HOST/N')}{x}$",
    r"$$\text{</math><img src=x onerror=fetch('//HOST/N')>}$$",
)
TEXTS: dict[type[Base], tuple[str, ...]] = {
    Challenge: ("title", "terms", "summary"),
    ChallengePage: ("title", "markdown"),
    Phase: ("title",),
    Column: ("title",),
    Person: ("name", "display_name", "pseudonym"),
    Team: ("name",),
    Participation: ("note", "reason", "contact"),
    Download: ("title",),
    Question: ("title", "words", "answer", "note"),
    ExtraTries: ("reason",),
    Submission: ("filename", "note"),
    Evaluation: ("message", "detail"),
    Event: ("message",),
    Attempt: ("nodes", "problem", "raw_state", "raw_reason"),
    RunLog: ("text",),
    ApiToken: ("name",),
    LoginSession: ("agent",),
}


@dataclass
class Listener:
    """Hears whatever asks for an address of its own."""

    port: int = field(default_factory=free_port)
    heard: list[str] = field(default_factory=list)
    shown: str = ""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _hear(self, request: Request) -> Response:
        self.heard.append(request.url.path)
        return Response("", headers={"access-control-allow-origin": "*"})

    def _show(self, _request: Request) -> Response:
        return HTMLResponse(f"<!doctype html><body><div>{self.shown}</div>")

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/shown", self._show), Route("/{n:path}", self._hear)])

    def payload(self, number: int, kind: tuple[str, ...] = PAYLOADS) -> str:
        text = kind[number % len(kind)]
        return text.replace("HOST", self.host).replace("N", f"hit-{number}")


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listening = Listener()
    with serving(listening.app(), listening.port):
        yield listening


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_each_payload_acts_where_nothing_stops_it(
    browser: Browser, listener: Listener, number: int
) -> None:
    listener.shown, path = listener.payload(number), f"/hit-{number}"
    page = browser.new_page()

    page.goto(f"http://{listener.host}/shown")
    page.wait_for_function(
        f"performance.getEntriesByType('resource').some(e => e.name.endsWith('{path}'))"
        " || document.querySelector('iframe, object')"
    )
    page.wait_for_timeout(300)
    page.close()

    assert path in listener.heard


def _plant(session: Session, listener: Listener) -> int:
    """Write a payload into every text that somebody from outside can have written."""
    number = 1000
    for table, names in TEXTS.items():
        for row in session.scalars(select(table)).all():
            for name in names:
                number += 1
                text = listener.payload(number)
                if name in {"terms", "markdown"}:
                    everything = [
                        listener.payload(n, kind)
                        for kind in (PAYLOADS, MARKDOWN)
                        for n in range(number, number + len(kind))
                    ]
                    text = "\n\n".join(everything)
                # Some have to be unlike each other.
                setattr(row, name, f"{number} {text}")
    session.flush()
    return number


def test_every_text_that_is_planted_is_one(served: Site) -> None:
    """A column that is added later has to be thought of here: which are not planted, and why."""
    known = {
        # Words of ours, and paths, which become addresses on this site only.
        "challenges": {"slug", "join_policy", "timezone", "logo", "terms_folder"},
        "phases": {"slug", "after_slug", "feedback", "logs", "failures"},
    }
    for table in (Challenge, Phase):
        found = {
            column.name
            for column in inspect(table).columns
            if type(column.type) in {String, Text} and not column.foreign_keys
        } - {"id"}
        assert found - set(TEXTS[table]) <= known[table.__tablename__]


@dataclass
class Watch:
    """What a browser does that it should not."""

    origin: str
    seen: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("dialog", lambda dialog: (self.seen.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: self.seen.append(str(error)))
        page.on("request", self._request)
        page.on("console", self._console)

    def _request(self, request: object) -> None:
        url = request.url  # type: ignore[attr-defined]
        if not url.startswith(self.origin):
            self.seen.append(url)

    def _console(self, message: ConsoleMessage) -> None:
        # The policy stopped something: then the page itself has let it through.
        if "Content Security Policy" in message.text:
            self.seen.append(message.text)


@pytest.fixture
def planted(served: Site, listener: Listener) -> int:
    database = open_database(served.database_url)
    with database.writing() as session:
        count = _plant(session, listener)
    database.engine.dispose()
    return count


def test_no_page_lets_a_text_act(
    served: Site, browser: Browser, listener: Listener, planted: int
) -> None:
    listener.heard.clear()
    watch = Watch(served.url)
    contexts = {who: _context(browser, served, who) for who in (None, "ada", "staff", "new")}
    showing = 0

    for who, address in pages(served.scene).values():
        page = contexts[who].new_page()
        watch.over(page)
        page.goto(served.url + address)
        _click_what_could_act(page)
        showing += "onerror=fetch" in page.inner_text("body")
        page.close()

    for context in contexts.values():
        context.close()
    assert planted > 1100
    assert showing > 20
    assert watch.seen == []
    assert listener.heard == []


def _context(browser: Browser, served: Site, who: str | None) -> BrowserContext:
    context = browser.new_context()
    log_in(context, served, who)
    return context


def _click_what_could_act(page: Page) -> None:
    """Look for links that would run something when clicked."""
    links = page.locator("a, area, form, button, iframe, object, embed").all()
    for attribute in ("href", "action", "formaction", "src", "data", "xlink:href"):
        values = page.evaluate(
            "name => [...document.querySelectorAll('*')].map(e => e.getAttribute(name))"
            ".filter(Boolean)",
            attribute,
        )
        assert [v for v in values if v.strip().lower().startswith(("javascript", "data"))] == []
    assert links
    handlers = page.evaluate(
        "() => [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
        ".map(a => a.name).filter(n => n.startsWith('on') || n === 'style' || n === 'srcdoc')"
    )
    assert handlers == []
