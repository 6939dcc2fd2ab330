"""What a team submits and what came of it, looked for by everybody whom it does not concern.

Every address as everybody is tests/integration/access; here are the attempts at one submission.
"""

import pytest
from sqlalchemy import select

from portal.db.tables import Attempt, RunLog
from portal.domain.accounts.tokens import Scope
from tests.support.web.site import Site

pytestmark = pytest.mark.attack(51)

SECRET = "the first private label is 7"
PAGES = ("", "/progress", "/sealed")


@pytest.fixture(autouse=True)
def _has_a_log(site: Site) -> None:
    with site.context.database.writing() as session:
        token = session.scalars(select(Attempt.token)).first()
        session.add(RunLog(attempt_token=token, stream="stdout", text=SECRET, truncated=False))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", ["eve", "newcomer", None])
def test_a_submission_is_not_there_for_others(site: Site, who: str | None, path: str) -> None:
    address = f"/submissions/{site.submission_id}{path}"
    assert site.browser(site.staff).get(address).status_code == 200

    answer = site.browser(getattr(site, who) if who else None).get(address)

    # Whoever has not logged in is sent to do so, for what there is and what there is not alike.
    nothing = site.browser(getattr(site, who) if who else None).get(f"/submissions/1{path}")
    assert answer.status_code == nothing.status_code
    assert answer.status_code in ({404} if who else {303, 403})
    assert SECRET not in answer.text
    assert "ada.zip" not in answer.text


@pytest.mark.parametrize("who", ["eve", "newcomer", "organiser"])
def test_a_token_opens_no_submission_that_is_not_its_owners(site: Site, who: str) -> None:
    address = f"/api/v1/submissions/{site.submission_id}"
    own = site.program(site.token(site.ada, Scope.READ)).get(address)
    assert (own.status_code, own.json()["filename"]) == (200, "ada.zip")

    answer = site.program(site.token(getattr(site, who), Scope.READ)).get(address)

    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "not_found")


def test_lists_hold_the_own_teams_only(site: Site) -> None:
    path = "/api/v1/challenges/digits/submissions"
    own = site.program(site.token(site.ada, Scope.READ)).get(path).json()["items"]
    others = site.program(site.token(site.eve, Scope.READ)).get(path).json()["items"]

    assert [item["id"] for item in own] == [site.submission_id]
    assert others == []
    page = site.browser(site.eve).get("/challenges/digits/submissions").text
    assert "ada.zip" not in page


def test_the_team_itself_does_not_get_at_its_log(site: Site) -> None:
    sealed = f"/submissions/{site.submission_id}/sealed"
    assert SECRET in site.browser(site.organiser).get(sealed).text

    browser = site.browser(site.ada)
    program = site.program(site.token(site.ada, Scope.READ))
    answers = [browser.get(f"/submissions/{site.submission_id}{path}") for path in PAGES]
    answers.append(program.get(f"/api/v1/submissions/{site.submission_id}"))

    assert [answer.status_code for answer in answers] == [200, 200, 404, 200]
    assert all(SECRET not in answer.text for answer in answers)


def test_no_address_leads_to_the_store(site: Site) -> None:
    store = site.context.store
    with store.incoming() as incoming:
        incoming.write(SECRET.encode())
        stored = incoming.commit()
    digest = stored.sha256
    assert store.path(digest).read_text() == SECRET
    browser = site.browser(site.staff)

    for path in (
        f"/static/../blobs/{digest[:2]}/{digest}",
        f"/static/%2e%2e/%2e%2e/blobs/{digest[:2]}/{digest}",
        f"/static/..%2fblobs%2f{digest[:2]}%2f{digest}",
        f"/static/{store.path(digest)}",
        f"/blobs/{digest}",
        f"/submissions/{site.submission_id}/../../blobs/{digest}",
        f"/challenges/digits/pages/..%2f..%2fblobs%2f{digest}",
    ):
        answer = browser.get(path)
        assert answer.status_code == 404, path
        assert SECRET not in answer.text
