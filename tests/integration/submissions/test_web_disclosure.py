"""What is sealed: reviewers see it and change nothing, teams never do, each look is written down."""

import html

import pytest
from sqlalchemy import select

from portal.db.tables import Attempt, AuditEntry, Organiser, Submission
from portal.domain.audit import Action
from portal.domain.evaluations.states import EvaluationState
from portal.domain.permissions import Role
from portal.domain.submissions.run_logs import Tail
from portal.services.submissions import run_logs
from tests.support import factories
from tests.support.web.site import Site

ROOT = "/challenges/digits"
SECRET = "row 17 of the private data says 9"
ATTACK = "<script>alert(1)</script></pre>"


@pytest.fixture
def reviewed(site: Site) -> Site:
    """Return the site with a reviewer, the newcomer, and with logs of Ada's run."""
    with site.context.database.writing() as session:
        factories.add_organiser(session, site.digits, site.newcomer, Role.REVIEWER)
        token = session.scalars(select(Attempt.token)).one()
        tails = {
            "stdout": Tail(text=f"{SECRET}\n{ATTACK}\n", truncated=True),
            "stderr": Tail(text="a warning\n", truncated=False),
        }
        run_logs.keep(session, token, tails)
    return site


def _sealed(site: Site) -> str:
    return f"/submissions/{site.submission_id}/sealed"


def _looks(site: Site) -> list[tuple[str | None, str]]:
    with site.context.database.reading() as session:
        rows = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.SEALED_LOOKED_AT)
        )
        return [(row.actor_id, row.subject_id) for row in rows]


@pytest.mark.parametrize("who", ["newcomer", "organiser", "staff"])
def test_whoever_reviews_sees_the_logs_and_the_look_is_written_down(
    reviewed: Site, who: str
) -> None:
    person = getattr(reviewed, who)

    page = reviewed.browser(person).get(_sealed(reviewed))

    assert page.status_code == 200
    assert "Confidential details of" in page.text
    assert SECRET in page.text
    assert "It wrote more than is kept." in page.text
    assert 'tabindex="0" role="region" aria-label="Predict, try 1: standard output"' in page.text
    assert "Predict, try 1: standard error" in page.text
    assert f'href="/submissions/{reviewed.submission_id}">Back' in page.text
    assert _looks(reviewed) == [(person.id, reviewed.submission_id)]


def test_a_log_is_text_and_nothing_else(reviewed: Site) -> None:
    page = reviewed.browser(reviewed.organiser).get(_sealed(reviewed)).text

    assert ATTACK not in page
    assert html.escape(ATTACK) in page


@pytest.mark.parametrize("who", ["ada", "eve", "newcomer", "organiser", "staff"])
@pytest.mark.parametrize("state", [EvaluationState.SCORED, EvaluationState.RUNNING])
def test_no_other_page_of_a_submission_shows_a_log(
    reviewed: Site, who: str, state: EvaluationState
) -> None:
    with reviewed.context.database.writing() as session:
        row = session.get_one(Submission, reviewed.submission_id)
        session.refresh(row, ["evaluations"])
        row.evaluations[0].state = state
    browser = reviewed.browser(getattr(reviewed, who))
    root = f"/submissions/{reviewed.submission_id}"

    pages = [browser.get(path).text for path in (root, f"{root}/progress", f"{ROOT}/submissions")]

    assert not any(SECRET in page or "a warning" in page for page in pages)
    assert _looks(reviewed) == []


@pytest.mark.parametrize("who", ["ada", "eve"])
def test_a_team_never_sees_what_is_sealed(reviewed: Site, who: str) -> None:
    answer = reviewed.browser(getattr(reviewed, who)).get(_sealed(reviewed))

    assert answer.status_code == 404
    assert SECRET not in answer.text
    assert _looks(reviewed) == []


def test_somebody_who_reviews_another_challenge_sees_nothing(reviewed: Site) -> None:
    with reviewed.context.database.writing() as session:
        other = factories.add_challenge(session, "other", "Another")
        factories.add_organiser(session, other, reviewed.eve, Role.REVIEWER)

    assert reviewed.browser(reviewed.eve).get(_sealed(reviewed)).status_code == 404


def test_a_page_that_still_changes_is_not_replaced_by_one_without_what_is_sealed(
    reviewed: Site,
) -> None:
    with reviewed.context.database.writing() as session:
        row = session.get_one(Submission, reviewed.submission_id)
        session.refresh(row, ["evaluations"])
        row.evaluations[0].state = EvaluationState.RUNNING
    browser = reviewed.browser(reviewed.organiser)

    plain = browser.get(f"/submissions/{reviewed.submission_id}").text
    sealed = browser.get(_sealed(reviewed)).text

    assert "data-live=" in plain
    assert "data-live=" not in sealed
    assert f'class="refresh" href="{_sealed(reviewed)}"' in sealed


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/submissions/SUBMISSION/cancel", {"cost": "free"}),
        (f"{ROOT}/roles", {"person": "ADA", "role": "reviewer", "sure": "yes"}),
        (f"{ROOT}/roles/OWNER/remove", {}),
    ],
)
def test_a_reviewer_changes_nothing(reviewed: Site, path: str, fields: dict[str, str]) -> None:
    names = {
        "SUBMISSION": reviewed.submission_id, "OWNER": reviewed.organiser.id,
        "ADA": reviewed.ada.id,
    }  # fmt: skip
    for name, value in names.items():
        path = path.replace(name, value)
        fields = {key: value if field == name else field for key, field in fields.items()}

    answer = reviewed.browser(reviewed.newcomer).post(path, data=fields)

    assert answer.status_code in {403, 404}
    with reviewed.context.database.reading() as session:
        roles = {row.person_id: row.role for row in session.scalars(select(Organiser))}
        assert session.scalars(select(AuditEntry)).all() == []
    assert roles == {reviewed.organiser.id: Role.OWNER, reviewed.newcomer.id: Role.REVIEWER}


def test_a_reviewer_sees_every_submission_private_columns_and_every_board(reviewed: Site) -> None:
    browser = reviewed.browser(reviewed.newcomer)

    listed = browser.get(f"{ROOT}/submissions").text
    board = browser.get(f"{ROOT}/leaderboard?phase=final")

    assert "All submissions" in listed
    assert "a note of Ada&#39;s" in listed
    assert "Hold-out" in listed
    assert board.status_code == 200


def test_what_is_sealed_takes_as_many_queries_with_logs_as_without(
    site: Site, reviewed: Site
) -> None:
    browser = site.browser(site.organiser)

    with site.counted_queries() as statements:
        browser.get(_sealed(site))

    # The nine of the plain page, the logs, the reruns, and the end of the audit log's chain.
    selects = [s for s in statements if s.startswith("SELECT")]
    assert len(selects) == 9 + 3
