"""Whoever works for a challenge sees what it was, and what each revision changed."""

import pytest

from portal.domain.permissions import Role
from tests.support import factories
from tests.support.web.site import Site

REVISIONS = "/challenges/digits/revisions"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def revised(site: Site) -> Site:
    with site.context.database.writing() as session:
        first = {"overview.md": b"# One", "scorer.tar": b"1", "gone.md": b"x"}
        factories.add_revision(session, site.digits, 1, files=first)
        factories.add_revision(
            session, site.digits, 2, by=site.organiser,
            settings=f"schema: 1\ntitle: {HOSTILE}\n", changes=["title", f"page {HOSTILE} added"],
            files={"overview.md": b"# One", "scorer.tar": b"another", "new.md": b"y"},
        )  # fmt: skip
        factories.add_organiser(session, site.digits, site.newcomer, Role.REVIEWER)
    return site


def test_the_list_says_what_changed_and_by_whom(revised: Site) -> None:
    page = revised.browser(revised.newcomer).get(REVISIONS)

    assert page.status_code == 200
    assert page.text.index(f'href="{REVISIONS}/2"') < page.text.index(f'href="{REVISIONS}/1"')
    assert "Oda Organiser" in page.text
    assert "An operator" in page.text
    assert HOSTILE not in page.text


def test_a_revision_shows_how_it_differs_from_the_one_before(revised: Site) -> None:
    page = revised.browser(revised.organiser).get(f"{REVISIONS}/2").text

    assert "-title: Read the digits" in page
    assert "+title: &lt;script&gt;" in page
    assert HOSTILE not in page
    words = [page.split(f"<code>{name}</code>")[1].split("</td>")[0].split("<td>")[1]
             for name in ("gone.md", "new.md", "scorer.tar")]  # fmt: skip
    assert words == ["gone", "new", "changed"]
    assert "overview.md" not in page


def test_the_first_one_is_all_new(revised: Site) -> None:
    page = revised.browser(revised.organiser).get(f"{REVISIONS}/1").text

    assert "+schema: 1" in page
    assert page.count("<td>new</td>") == 3


@pytest.mark.parametrize("number", ["0", "3", "x", "-1", "1e3", "9" * 30, "²"])
def test_what_there_is_not_is_not_found(revised: Site, number: str) -> None:
    answer = revised.browser(revised.organiser).get(f"{REVISIONS}/{number}")

    assert answer.status_code == 404


def test_nobody_else_sees_them(revised: Site) -> None:
    answers = [
        revised.browser(revised.ada).get(path).status_code for path in (REVISIONS, f"{REVISIONS}/1")
    ]

    assert answers == [404, 404]


def test_a_challenge_from_before_has_none(site: Site) -> None:
    assert "No revision is known" in site.browser(site.organiser).get(REVISIONS).text


def test_a_long_list_has_pages_and_takes_as_many_queries(site: Site) -> None:
    browser = site.browser(site.organiser)
    with site.context.database.writing() as session:
        factories.add_revision(session, site.digits, 1)
    browser.get(REVISIONS)
    counts = []
    with site.counted_queries() as statements:
        browser.get(REVISIONS)
    counts.append(len(statements))
    with site.context.database.writing() as session:
        for number in range(2, 60):
            factories.add_revision(session, site.digits, number)

    with site.counted_queries() as statements:
        first = browser.get(REVISIONS).text
    counts.append(len(statements))
    last = browser.get(f"{REVISIONS}?page=2").text

    assert counts[0] == counts[1]
    assert "Page 1 of 2" in first
    assert f'href="{REVISIONS}/1"' in last
    assert browser.get(f"{REVISIONS}?page=3").status_code == 404
