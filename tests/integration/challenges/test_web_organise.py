"""The pages for those who work for a challenge are one tab, with a list of them beside each."""

import re

import pytest

from portal.domain.permissions import Role
from tests.support import factories
from tests.support.web.site import Site

ROOT = "/challenges/digits"
OF_ALL = ["resources", "leaks", "retention", "revisions", "dry-run", "roles", "state"]
LAST = ["log"]
OF_ORGANISERS = ["participants", "mail", "attention", "tries", "change"]


def _links(page: str, name: str) -> list[tuple[str, str]]:
    """Return where the links of a navigation lead, each with what it says of the page that is shown."""
    [inside] = re.findall(rf'<nav[^>]*aria-label="{name}">(.*?)</nav>', page, re.DOTALL)
    found = re.findall(r'<a href="([^"]*)"(?: aria-current="(\w+)")?>', inside)
    return [(address, current) for address, current in found]


def test_an_organiser_finds_all_of_them_behind_one_tab(site: Site) -> None:
    browser = site.browser(site.organiser)

    tabs = [address for address, _ in _links(browser.get(ROOT).text, site.digits.challenge.title)]
    shown = browser.get(f"{ROOT}/roles").text

    assert tabs[-1] == f"{ROOT}/participants"
    assert not {f"{ROOT}/{name}" for name in [*OF_ALL, "attention", "change"]} & set(tabs)
    assert _links(shown, site.digits.challenge.title)[-1] == (f"{ROOT}/participants", "true")
    assert _links(shown, "Organise") == [
        (f"{ROOT}/{name}", "page" if name == "roles" else "")
        for name in [*OF_ORGANISERS, *OF_ALL, *LAST]
    ]


def test_a_reviewer_finds_those_that_reviewers_have(site: Site) -> None:
    with site.context.database.writing() as session:
        factories.add_organiser(session, site.digits, site.newcomer, Role.REVIEWER)
    browser = site.browser(site.newcomer)

    tabs = _links(browser.get(ROOT).text, site.digits.challenge.title)
    listed = [address for address, _ in _links(browser.get(f"{ROOT}/state").text, "Organise")]

    assert tabs[-1] == (f"{ROOT}/resources", "")
    assert listed == [f"{ROOT}/{name}" for name in OF_ALL]
    assert {browser.get(address).status_code for address in listed} == {200}


def test_a_page_below_one_of_them_belongs_to_it(site: Site) -> None:
    with site.context.database.writing() as session:
        factories.add_revision(session, site.digits)

    page = site.browser(site.organiser).get(f"{ROOT}/revisions/1").text

    assert (f"{ROOT}/revisions", "true") in _links(page, "Organise")


@pytest.mark.parametrize("path", ["", "/leaderboard", "/submissions"])
def test_other_pages_have_no_such_list_and_participants_no_such_tab(site: Site, path: str) -> None:
    ours = site.browser(site.organiser).get(f"{ROOT}{path}").text
    theirs = site.browser(site.ada).get(f"{ROOT}{path}").text

    assert 'aria-label="Organise"' not in ours
    assert "Organise</a>" in ours
    assert "Organise</a>" not in theirs
