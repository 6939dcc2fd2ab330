"""The same pages on PostgreSQL."""

import pytest

from portal.db.engine import open_database
from tests.integration.web.conftest import Site, SiteMaker
from tests.postgres import PostgresServer

pytestmark = pytest.mark.postgres

ROOT = "/challenges/digits"


@pytest.fixture
def site(new_site: SiteMaker, postgres_server: PostgresServer) -> Site:
    return new_site(database=open_database(postgres_server.new_database()))


@pytest.mark.parametrize(
    "path",
    ["/", ROOT, f"{ROOT}/pages/evaluation", f"{ROOT}/terms", f"{ROOT}/leaderboard",
     f"{ROOT}/submit", f"{ROOT}/submissions", "/account", "/-/health"],
)  # fmt: skip
def test_every_page_can_be_shown(site: Site, path: str) -> None:
    for person in (None, site.ada, site.staff):
        assert site.browser(person).get(path).status_code in {200, 303}


def test_a_submission_is_made_and_shown(site: Site) -> None:
    browser = site.browser(site.newcomer)
    fields = {"phase": "dev", "kind": "results", "note": "a\x00b"}

    answer = browser.post(f"{ROOT}/submit", data=fields, files={"file": ("a.csv", b"x")})

    assert answer.status_code == 303
    assert "a.csv" in browser.get(answer.headers["location"]).text
    assert browser.get(f"/submissions/{site.submission_id}").status_code == 404


def test_logging_out_works(site: Site) -> None:
    browser = site.browser(site.ada)

    assert browser.post("/logout").status_code == 303
    assert browser.get("/account").status_code == 303
