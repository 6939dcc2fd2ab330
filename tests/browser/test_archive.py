"""A challenge that was archived as pages, opened from a disk: everybody can use each of them."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from portal.domain.accounts.people import Actor, ActorKind
from portal.services.challenges.archives.facts import facts_of
from portal.web.rendering.archives import files_of
from tests.browser.accessible import assert_accessible, look
from tests.browser.screenshots import SCHEMES, WIDTHS
from tests.support.databases import new_sqlite
from tests.support.factories import NOW
from tests.support.scenes.site import add_scene

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def archived(tmp_path: Path) -> Path:
    database = new_sqlite(tmp_path, "site.db")
    with database.writing() as session:
        add_scene(session)
        session.flush()
        facts = facts_of(session, actor=Actor(kind=ActorKind.OPERATOR), slug="digits", now=NOW)
    database.engine.dispose()
    (folder := tmp_path / "archive").mkdir()
    for name, text in files_of(
        facts, site_name="HPC", site_url="https://portal.example", has_crate=False
    ):
        (folder / name).write_text(text, "utf-8")
    return folder


def test_axe_finds_nothing_on_any_page(browser: Browser, archived: Path) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    files = sorted(archived.glob("*.html"))

    for file in files:
        page.goto(file.as_uri())
        # Only of the page: what axe fetches afterwards is refused, as it should be.
        assert complaints == []
        # The style sheet applies from a disk as well: without it the link for the keyboard is in the way.
        assert (
            page.evaluate("getComputedStyle(document.querySelector('.skip')).position")
            == "absolute"
        )
        for scheme in SCHEMES:
            for width in WIDTHS:
                look(page, scheme=scheme, width=width)
                assert_accessible(page)

        complaints.clear()
    assert len(files) >= 4
    page.close()
