"""Lists cost the same number of queries, however long they are."""

from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal.db.look_alikes import skeleton_of
from portal.db.tables import Standing, Team
from portal.domain.evaluations.states import EvaluationState
from tests.support import factories
from tests.support.factories import NOW, Digits
from tests.support.web.site import Site

ROOT = "/challenges/digits"


def _add_many_teams(session: Session, digits: Digits, count: int, submission_id: str) -> None:
    """Add rows straight to the tables: ten thousand teams with a submission each take long."""
    teams = [
        {"id": f"team{n:016}", "challenge_id": digits.challenge.id, "name": f"Team {n}",
         "skeleton": skeleton_of(f"Team {n}"), "created_at": NOW}
        for n in range(count)
    ]  # fmt: skip
    standings = [
        {"board_id": digits.dev.id, "team_id": team["id"], "place": 0, "submission_id": submission_id,
         "scores": {"accuracy": round(n / count, 3)}, "rank_value": round(n / count, 3),
         "achieved_at": NOW - timedelta(minutes=n)}
        for n, team in enumerate(teams)
    ]  # fmt: skip
    session.execute(insert(Team), teams)
    session.execute(insert(Standing), standings)


@pytest.mark.parametrize("rows", [1, 3, 10_000])
def test_the_leaderboard_takes_four_queries(site: Site, rows: int) -> None:
    if rows > 1:
        with site.context.database.writing() as session:
            _add_many_teams(session, site.digits, rows - 1, site.submission_id)
    visitor, ada = site.browser(), site.browser(site.ada)

    with site.counted_queries() as by_visitor:
        page = visitor.get(f"{ROOT}/leaderboard")
    with site.counted_queries() as by_ada:
        ada.get(f"{ROOT}/leaderboard")

    assert page.text.count("<tr>") == min(rows, 50) + 1
    assert f"{rows:,} team" in page.text
    # Challenge with phases and columns, titles of its pages, ranked rows; and how often boards were changed, or the login.
    assert (_selects(by_visitor), _selects(by_ada)) == (4, 4)


@pytest.mark.parametrize("rows", [1, 3, 120])
def test_the_list_of_submissions_takes_five_queries(site: Site, rows: int) -> None:
    with site.context.database.writing() as session:
        team = factories.add_team(session, site.digits, "Long list", site.newcomer)
        for n in range(rows):
            factories.add_submission(
                session, site.digits, team, site.newcomer, at=NOW - timedelta(minutes=n)
            )
    browser, staff = site.browser(site.newcomer), site.browser(site.staff)

    with site.counted_queries() as own:
        page = browser.get(f"{ROOT}/submissions")
    with site.counted_queries() as every:
        staff.get(f"{ROOT}/submissions")

    assert page.text.count('<th scope="row"') == min(rows, 50)
    assert (_selects(own), _selects(every)) == (5, 5)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_submission_takes_nine_queries(site: Site, rows: int) -> None:
    with site.context.database.writing() as session:
        team = factories.add_team(session, site.digits, "One", site.newcomer)
        for _ in range(rows):
            submission = factories.add_submission(
                session, site.digits, team, site.newcomer, state=EvaluationState.RUNNING
            )
    browser = site.browser(site.newcomer)

    with site.counted_queries() as statements:
        browser.get(f"/submissions/{submission.id}")

    assert _selects(statements) == 9


@pytest.mark.parametrize("more", [0, 2])
def test_the_list_of_challenges_takes_three_queries(site: Site, more: int) -> None:
    with site.context.database.writing() as session:
        for n in range(more):
            factories.add_challenge(session, f"more-{n}", f"One more {n}")

    with site.counted_queries() as statements:
        page = site.browser().get("/")

    assert page.text.count('class="card"') == 1 + more
    assert _selects(statements) == 3


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        pytest.param(ROOT, 4, id="overview"),
        pytest.param(f"{ROOT}/pages/evaluation", 3, id="page"),
        pytest.param(f"{ROOT}/terms", 2, id="terms"),
        pytest.param("/login", 0, id="login"),
        pytest.param("/nowhere", 0, id="nowhere"),
    ],
)
def test_other_pages_take_few_queries(site: Site, path: str, queries: int) -> None:
    with site.counted_queries() as statements:
        site.browser().get(path)

    assert _selects(statements) == queries


def _selects(statements: list[str]) -> int:
    return len([s for s in statements if s.lstrip().upper().startswith(("SELECT", "WITH"))])
