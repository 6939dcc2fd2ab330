"""The pages with which a submission is cancelled."""

import pytest

from portal.db.tables import Evaluation, Submission, Team
from portal.domain.evaluations.states import EvaluationState
from tests.support import factories
from tests.support.web.site import Site


@pytest.fixture
def waiting(site: Site) -> str:
    return _add(site, EvaluationState.WAITING)


def _add(site: Site, state: EvaluationState) -> str:
    with site.context.database.writing() as session:
        team = session.get_one(Submission, site.submission_id).team_id
        return factories.add_submission(
            session, site.digits, session.get_one(Team, team), site.ada, state=state,
            filename=f"{state}.zip",
        ).id  # fmt: skip


def _state(site: Site, submission: str) -> EvaluationState:
    with site.context.database.reading() as session:
        return session.query(Evaluation).filter_by(submission_id=submission).one().state


def test_the_page_says_what_it_costs_before_anything_happens(site: Site, waiting: str) -> None:
    running = _add(site, EvaluationState.RUNNING)
    browser = site.browser(site.ada)

    pages = [browser.get(f"/submissions/{one}/cancel").text for one in (waiting, running)]

    assert "it will not count against the limits of the team" in pages[0]
    assert "it counts against the limits of the team" in pages[1]
    assert _state(site, waiting) is EvaluationState.WAITING


def test_a_member_cancels_what_waits(site: Site, waiting: str) -> None:
    browser = site.browser(site.ada)

    answer = browser.post(f"/submissions/{waiting}/cancel", data={"cost": "nothing"})

    assert answer.headers["location"] == f"/submissions/{waiting}"
    assert _state(site, waiting) is EvaluationState.CANCELLED
    page = browser.get(f"/submissions/{waiting}").text
    assert "does not count against your limits" in page
    assert f"/submissions/{waiting}/cancel" not in page


def test_a_running_one_shows_that_it_is_being_cancelled_until_the_cluster_follows(
    site: Site,
) -> None:
    running = _add(site, EvaluationState.RUNNING)
    browser = site.browser(site.ada)

    browser.post(f"/submissions/{running}/cancel", data={"cost": "counts"})

    assert "being cancelled" in browser.get(f"/submissions/{running}").text
    assert _state(site, running) is EvaluationState.RUNNING


def test_a_cost_that_has_risen_is_shown_again(site: Site) -> None:
    running = _add(site, EvaluationState.RUNNING)

    answer = site.browser(site.ada).post(f"/submissions/{running}/cancel", data={"cost": "nothing"})

    assert answer.status_code == 422
    assert "has started for it in the meantime" in answer.text
    assert 'value="counts"' in answer.text


def test_an_organiser_and_staff_may_and_another_team_finds_nothing(
    site: Site, waiting: str
) -> None:
    people = (site.eve, site.newcomer, site.organiser, site.staff)

    answers = [
        site.browser(person).get(f"/submissions/{waiting}/cancel").status_code for person in people
    ]

    assert answers == [404, 404, 200, 200]


def test_a_scored_one_cannot_be_cancelled(site: Site) -> None:
    answer = site.browser(site.ada).get(f"/submissions/{site.submission_id}/cancel")

    assert answer.status_code == 422
    assert "there is nothing to cancel" in answer.text
