"""Two people make a team and merge it with a third's, each in a browser without JavaScript."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from portal.web.app import create_app
from portal.web.context import WebContext
from tests.support import factories
from tests.support.servers.portal import free_port, log_in, new_context, serving
from tests.support.web.chromium import watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = "/challenges/digits"
Open = Callable[[str], Page]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WebContext]:
    """Serve a challenge in which Ada and Eve have submitted, each alone."""
    port = free_port()
    context = new_context(tmp_path, site_url=f"http://127.0.0.1:{port}")
    with serving(create_app(context), port):
        yield context
    context.database.engine.dispose()


@pytest.fixture
def browse(browser: Browser, site: WebContext) -> Iterator[Open]:
    """Return a function that opens a page in a browser of somebody's."""
    with site.database.writing() as session:
        digits = factories.add_challenge(session)
        people = {name: factories.add_person(session, name) for name in ("Ada", "Grace", "Eve")}
        for name, accuracy in (("Ada", 0.97), ("Eve", 0.99)):
            team = factories.add_team(session, digits, f"Team {name}", people[name])
            row = factories.add_submission(session, digits, team, people[name], accuracy=accuracy)
            factories.add_standing(session, digits, team, row, accuracy)
    contexts: list[BrowserContext] = []

    def open_page(name: str) -> Page:
        context = browser.new_context(java_script_enabled=False)
        cookie = {"name": "sealrun", "value": log_in(site, people[name].id), "url": site.site_url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def test_people_join_a_team_by_a_link_and_merge_it_with_another(
    site: WebContext, browse: Open
) -> None:
    ada, grace, eve = (browse(name) for name in ("Ada", "Grace", "Eve"))
    complaints = [watch(page, site.site_url) for page in (ada, grace, eve)]

    link = _make_a_link(ada, site.site_url)
    _join_the_challenge(grace, site.site_url)
    _follow(grace, link)
    expect(_members(grace)).to_have_text(["Ada", "Grace you"])
    _ask_to_merge(ada, "team eve")
    _accept(eve, site.site_url)
    expect(_members(eve)).to_have_text(["Ada", "Grace", "Eve you"])

    grace.get_by_role("link", name="Leaderboard").click()
    rows = grace.get_by_role("table").first.get_by_role("row")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("Team Eve")
    expect(rows.nth(1)).to_contain_text("0.990")
    ada.get_by_role("link", name="Team", exact=True).click()
    expect(ada.get_by_role("heading", level=1)).to_have_text("Your team: Team Eve")
    _link_is_dead(grace, link)
    # Of forms and links that were refused, and of nothing else.
    said = [line for lines in complaints for line in lines]
    assert [line for line in said if "422" not in line and "404" not in line] == []


def _make_a_link(page: Page, url: str) -> str:
    page.goto(f"{url}{ROOT}")
    page.get_by_role("link", name="Team", exact=True).click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#link").inner_text()

    assert link.startswith(f"{url}/invitation?code=")
    page.get_by_role("link", name="Team", exact=True).click()
    assert link not in page.content()
    expect(page.get_by_role("group", name="Links that work").get_by_role("row")).to_have_count(2)
    return link


def _join_the_challenge(page: Page, url: str) -> None:
    page.goto(f"{url}{ROOT}/join")
    page.get_by_label("I have read the terms and accept them.").check()
    page.get_by_role("button", name="Join").click()

    expect(page).to_have_url(f"{url}{ROOT}/team")
    expect(page.get_by_text("You are in no team yet")).to_be_visible()


def _follow(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Join Team Ada")
    page.get_by_role("button", name="Join the team").click()


def _ask_to_merge(page: Page, team: str) -> None:
    page.get_by_label("Name of the other team").fill("Team Nobody")
    page.get_by_role("button", name="Ask the other team").click()
    expect(page.get_by_role("alert")).to_contain_text("No team of this challenge has this name.")
    page.get_by_label("Name of the other team").fill(team)
    page.get_by_role("button", name="Ask the other team").click()

    expect(page.get_by_text("You have asked Team Eve")).to_be_visible()


def _accept(page: Page, url: str) -> None:
    page.goto(f"{url}{ROOT}/team")
    expect(
        page.get_by_role("heading", name="Team Ada asks to become one team with yours")
    ).to_be_visible()
    page.get_by_role("button", name="Accept").click()


def _members(page: Page) -> Locator:
    group = page.get_by_role("group", name="Members of the team")
    return group.get_by_role("rowheader")


def _link_is_dead(page: Page, link: str) -> None:
    page.goto(link)

    expect(page.get_by_role("alert")).to_contain_text("This invitation does not work")
