"""GPU-hours on pages: what is used, reserved and left, for a team, for organisers and for staff."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.tables import Attempt, Submission, Team
from portal.domain.evaluations.shares import Share
from portal.domain.evaluations.states import EvaluationState
from tests.support import factories
from tests.support.web.site import Site, SiteMaker

PAGE = "/challenges/digits/resources"
SUBMIT = "/challenges/digits/submit"


def use(site: Site, hours: float) -> None:
    """Let every job that has ended have taken that long; the profile has one GPU."""
    with site.context.database.writing() as session:
        for attempt in session.scalars(select(Attempt).where(Attempt.state == "collected")):
            attempt.ended_at = attempt.started_at + timedelta(hours=hours)


def queue_another(site: Site) -> None:
    """Let the team of Ada have a job in the queue: its whole hour is reserved."""
    with site.context.database.writing() as session:
        team = session.get_one(Team, session.get_one(Submission, site.submission_id).team_id)
        factories.add_submission(
            session, site.digits, team, site.ada, state=EvaluationState.QUEUED, filename="more.zip"
        )


def cells(page: str, heading: str) -> list[str]:
    """Return the numbers of the row with that heading."""
    row = re.search(
        rf'<th scope="row">(?:<a[^>]*>)?{heading}(?:</a>)?</th>(.*?)</tr>', page, re.DOTALL
    )
    assert row is not None, f"no row {heading}"
    return re.findall(r"<td[^>]*>\s*(.*?)\s*</td>", row[1], re.DOTALL)


def test_a_team_sees_its_own_budget_and_the_challenges_where_it_submits(
    new_site: SiteMaker,
) -> None:
    site = new_site(shares={"digits": Share(gpu_hours=50, team_gpu_hours=4)})
    use(site, 0.5)
    queue_another(site)

    page = site.browser(site.ada).get(SUBMIT).text

    assert cells(page, "Your team") == ["0.5", "1.0", "4.0", "2.5"]
    assert cells(page, "All teams together") == ["0.5", "1.0", "50.0", "48.5"]


def test_somebody_without_a_team_has_all_of_it_left(new_site: SiteMaker) -> None:
    site = new_site(shares={"digits": Share(team_gpu_hours=4)})

    page = site.browser(site.newcomer).get(SUBMIT).text

    assert cells(page, "Your team") == ["0.0", "0.0", "4.0", "4.0"]
    assert "All teams together" not in page


def test_without_a_budget_the_form_says_nothing_of_it(site: Site) -> None:
    assert "GPU-hours" not in site.browser(site.ada).get(SUBMIT).text


def test_organisers_see_each_team_those_who_used_most_first(new_site: SiteMaker) -> None:
    site = new_site(shares={"digits": Share(gpu_hours=1, team_gpu_hours=4)})
    use(site, 2)
    with site.context.database.writing() as session:
        eve = session.scalars(select(Team).where(Team.name == "Team Eve")).one()
        factories.add_submission(
            session, site.digits, eve, site.eve, state=EvaluationState.RUNNING, filename="e.zip"
        )

    page = site.browser(site.organiser).get(PAGE).text

    assert cells(page, "Read the digits") == ["2.0", "1.0", "1.0", "0.0"]
    assert cells(page, "Team Ada") == ["2.0", "0.0", "4.0", "2.0"]
    assert cells(page, "Team Eve") == ["0.0", "1.0", "4.0", "3.0"]
    assert page.index(">Team Ada</th>") < page.index(">Team Eve</th>")
    assert "<title>Team Ada: 2.0 used, 0.0 reserved</title>" in page


def test_staff_see_all_challenges(new_site: SiteMaker) -> None:
    site = new_site(shares={"digits": Share(gpu_hours=500)})
    use(site, 120)
    with site.context.database.writing() as session:
        factories.add_challenge(session, "cells", "Count the cells")

    page = site.browser(site.staff).get("/staff/resources").text

    assert cells(page, "Read the digits") == ["120", "0.0", "500", "380"]
    assert cells(page, "Count the cells") == ["0.0", "0.0", "no limit", "\N{EN DASH}"]


@pytest.mark.parametrize("page", [PAGE, "/staff/resources"])
def test_nobody_else_sees_them(site: Site, page: str) -> None:
    assert site.browser(site.ada).get(page).status_code == 404


def test_the_page_asks_as_often_for_three_teams_as_for_one(site: Site) -> None:
    browser, counts = site.browser(site.organiser), []
    for number in range(3):
        with site.context.database.writing() as session:
            person = factories.add_person(session, f"Person {number}")
            team = factories.add_team(session, site.digits, f"Team {number}", person)
            factories.add_submission(session, site.digits, team, person, filename=f"{number}.zip")
        with site.counted_queries() as statements:
            browser.get(PAGE)
        counts.append(len(statements))

    assert counts[0] == counts[2]
