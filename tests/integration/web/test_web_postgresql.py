"""The same pages on PostgreSQL."""

import pytest

from portal.db.engine import open_database
from portal.domain.accounts.tokens import Scope
from tests.support.databases import PostgresServer
from tests.support.web.site import Site, SiteMaker

pytestmark = pytest.mark.postgres

ROOT = "/challenges/digits"


@pytest.fixture
def site(new_site: SiteMaker, postgres_server: PostgresServer) -> Site:
    return new_site(database=open_database(postgres_server.new_database()))


@pytest.mark.parametrize(
    "path",
    ["/", ROOT, f"{ROOT}/pages/evaluation", f"{ROOT}/terms", f"{ROOT}/leaderboard",
     f"{ROOT}/submit", f"{ROOT}/submissions", "/account", "/healthz"],
)  # fmt: skip
def test_every_page_can_be_shown(site: Site, path: str) -> None:
    for person in (None, site.ada, site.staff):
        assert site.browser(person).get(path).status_code in {200, 303}


@pytest.mark.parametrize(
    "path",
    ["/staff", "/staff/people?q=vlas%00", "/staff/people/PERSON", f"{ROOT}/roles",
     "/submissions/SUBMISSION/sealed", "/staff/audit/entries.jsonl",
     "/staff/audit?who=vlas&what=looks&challenge=digits&kind=submission&id=x&from=2026-11-01",
     "/staff/audit?last=5&page=1", "/staff/audit?last=999999999"],
)  # fmt: skip
def test_every_page_of_staff_can_be_shown(site: Site, path: str) -> None:
    browser = site.browser(site.staff)
    browser.get("/staff/audit")
    names = {"PERSON": site.ada.id, "SUBMISSION": site.submission_id}
    for name, value in names.items():
        path = path.replace(name, value)

    answer = browser.get(path)

    assert answer.status_code == 200
    assert "Internal Server Error" not in answer.text


def test_staff_block_end_sessions_and_name_roles(site: Site) -> None:
    site.browser(site.ada)
    browser = site.browser(site.staff)
    root = f"/staff/people/{site.ada.id}"

    answers = [
        browser.post(f"{root}/sessions/end-all"),
        browser.post(f"{root}/block", data={"reason": "left"}),
        browser.post(f"{root}/unblock"),
        browser.post(f"{ROOT}/roles", data={"person": site.ada.id, "role": "owner", "sure": "yes"}),
        browser.post(f"{ROOT}/roles/{site.ada.id}/remove"),
    ]

    assert [answer.status_code for answer in answers] == [303] * 5
    log = browser.get("/staff/audit").text
    assert log.count('class="happened"') == 5


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


@pytest.mark.parametrize(
    "path", ["/me", "/challenges", "/challenges/digits", "/challenges/digits/leaderboard",
             "/challenges/digits/submissions", "/challenges/digits/teams", "/submissions/SUBMISSION"],
)  # fmt: skip
def test_every_call_of_the_api_can_be_answered(site: Site, path: str) -> None:
    program = site.program(site.token(site.organiser, *Scope))
    address = f"/api/v1{path}".replace("SUBMISSION", site.submission_id)

    # The first use of the token is noted, the second is not.
    assert [program.get(address).status_code for _ in range(2)] == [200, 200]


def test_a_submission_is_made_through_the_api(site: Site) -> None:
    program = site.program(site.token(site.newcomer, Scope.READ, Scope.SUBMIT))
    form = {"data": {"phase": "dev", "kind": "results"}, "files": {"file": ("a.csv", b"x")}}

    answer = program.post("/api/v1/challenges/digits/submissions", **form)

    assert answer.status_code == 201
    assert program.get(answer.headers["location"]).json()["filename"] == "a.csv"


@pytest.mark.parametrize(
    "path", ["/challenges/a%00b", "/submissions/a%00b", "/challenges/digits/leaderboard?phase=%00"]
)
@pytest.mark.parametrize("root", ["", "/api/v1"], ids=["page", "api"])
def test_what_a_database_cannot_hold_is_not_found(site: Site, root: str, path: str) -> None:
    browser = site.browser(site.ada)
    browser.headers["authorization"] = f"Bearer {site.token(site.ada, Scope.READ)}"

    assert browser.get(f"{root}{path}").status_code == 404
