"""How long a browser stays logged in, and what its owner sees of it."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from portal.db.tables import LoginSession
from portal.domain.accounts.sessions import SessionLimits
from portal.web.context import SiteTerms
from tests.support.factories import MINUTE
from tests.support.servers.portal import log_in
from tests.support.web.site import Site, SiteMaker

TERMS = SiteTerms(version="2026-11", markdown="# Terms\n\nBe kind to the nodes.")
LIMITS = SessionLimits(idle=10 * MINUTE, longest=60 * MINUTE)


@pytest.fixture
def site(new_site: SiteMaker) -> Site:
    return new_site(session_limits=LIMITS)


def _later(site: Site, by: timedelta) -> None:
    now = site.context.clock() + by
    site.change(clock=lambda: now)


def _is_in(browser: TestClient) -> bool:
    return browser.get("/account").status_code == 200


def test_a_browser_that_asks_for_nothing_is_logged_out_after_the_sites_limit(site: Site) -> None:
    browser = site.browser(site.ada)

    _later(site, LIMITS.idle - timedelta(seconds=1))
    assert _is_in(browser)
    _later(site, LIMITS.idle - timedelta(seconds=1))
    assert _is_in(browser)
    _later(site, LIMITS.idle)

    assert not _is_in(browser)


def test_a_busy_browser_is_logged_out_at_the_sites_other_limit(site: Site) -> None:
    browser = site.browser(site.ada)

    for _ in range(12):
        assert _is_in(browser)
        _later(site, LIMITS.longest / 12)

    assert not _is_in(browser)


def test_what_is_over_is_not_listed(site: Site) -> None:
    site.browser(site.ada)
    _later(site, LIMITS.idle)

    page = site.browser(site.ada).get("/account").text

    assert page.count("127.0.0.1") == 1
    assert "Log out all others" not in page


def test_the_list_names_the_browser_and_where_it_was_begun(site: Site) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    browser = site.browser(site.ada)
    with site.context.database.writing() as session:
        row = session.query(LoginSession).one()
        row.agent, row.origin = agent, "192.0.2.17"
    site.browser(site.ada)

    page = " ".join(browser.get("/account").text.split())

    assert '<th scope="row">Firefox on Linux <span class="tag">this one</span></th>' in page
    assert "<td>192.0.2.17</td>" in page
    assert agent not in page


@pytest.mark.parametrize("path", ["/account", "/account/tokens", "/account/delete"])
def test_the_own_pages_take_as_many_queries_for_many_sessions_and_tokens(
    site: Site, path: str
) -> None:
    browser = site.browser(site.ada)
    counts = []
    for more in (0, 4):
        for _ in range(more):
            site.browser(site.ada)
            site.token(site.ada, "read")
        with site.counted_queries() as statements:
            assert browser.get(path).status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1]
    assert counts[0] <= 8


def test_accepting_the_terms_keeps_the_session(new_site: SiteMaker) -> None:
    site = new_site(terms=TERMS)
    browser = site.browser(site.ada)
    other = site.browser()
    other.cookies["sealrun"] = log_in(site.context, site.ada.id)
    before = browser.cookies["sealrun"]

    answer = browser.post("/welcome", data={"accept": TERMS.version, "next": "/account"})

    assert "set-cookie" not in answer.headers
    assert browser.cookies["sealrun"] == before
    assert (_is_in(browser), _is_in(other)) == (True, True)


@pytest.mark.parametrize(
    ("wish", "leads_to"),
    [
        ("/challenges/digits/submissions?page=1", "/challenges/digits/submissions?page=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("", "/"),
    ],
)
def test_the_welcome_leads_on_within_this_site_only(
    new_site: SiteMaker, wish: str, leads_to: str
) -> None:
    site = new_site(terms=TERMS)
    browser = site.browser(site.ada)
    form = {"next": wish, "accept": TERMS.version}

    first = browser.post("/welcome", data=form)
    again = browser.post("/welcome", data=form)

    assert (first.headers["location"], again.headers["location"]) == (leads_to, leads_to)


def test_a_visitor_reads_the_terms_and_finds_them_from_every_page(new_site: SiteMaker) -> None:
    browser = new_site(terms=TERMS).browser()

    page = browser.get("/terms")

    assert (page.status_code, "Be kind to the nodes." in page.text) == (200, True)
    assert '<a href="/terms">Terms</a>' in browser.get("/").text
    assert browser.get("/welcome?next=/account").headers["location"] == "/login?next=/account"
